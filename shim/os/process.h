/* SPDX-License-Identifier: MIT */
/*
 * process - which process the memory belongs to.
 *
 * A forked child has a copy of its parent's memory and is a process of its own. A child of vfork(2)
 * runs in its parent's memory until it executes a program, and must not touch what is its parent's
 * there. So the id of the process that the memory belongs to is kept in a word that the kernel
 * wipes in a forked child (MADV_WIPEONFORK, madvise(2)), whatever call made the child. Whoever asks
 * first in the child stores its id. Atomics only, no lock; async-signal-safe.
 */
#ifndef WT_PROCESS_H
#define WT_PROCESS_H

#include <stdatomic.h>
#include <stdbool.h>
#include <sys/types.h>

/* A part of a struct of the caller's, in memory that a fork wipes. */
struct wt_process {
	_Atomic pid_t id;     /* 0: nobody has asked since the fork */
	atomic_bool executed; /* this process has executed its program, and was not forked since */
};

/*
 * Called when a program starts. `begun`, or NULL, is called in this process and in each forked one
 * as soon as its id is known.
 */
void wt_process_init(struct wt_process *wiped, void (*begun)(void));

/* The id of the process that the memory belongs to; 0 before wt_process_init. */
pid_t wt_process_id(void);

/* Whether the caller runs in the memory of another process. Makes one system call. */
bool wt_process_is_vfork_child(void);

/* Whether this process was forked and has not executed another program since. */
bool wt_process_is_fork(void);

/* Called in a child of fork(2), so that its id is known from the start. */
void wt_process_forked(void);

#endif
