/* SPDX-License-Identifier: MIT */
/*
 * process - whose memory this is.
 *
 * A forked child has a copy of its parent's memory and is a process of its own; a child of vfork(2)
 * runs in its parent's memory until it executes a program, and must leave alone what is its
 * parent's there. So the id of the process whose memory this is lies in a word that the kernel
 * wipes in a forked child (madvise(2), MADV_WIPEONFORK), by whatever call that was made. Whoever
 * asks first in the child puts its own id there. Atomics only, no lock; async-signal-safe.
 */
#ifndef WT_PROCESS_H
#define WT_PROCESS_H

#include <stdatomic.h>
#include <stdbool.h>
#include <sys/types.h>

/* In memory that a fork wipes, as part of what its owner has there. */
struct wt_process {
	_Atomic pid_t id;     /* 0: nobody has asked since the fork */
	atomic_bool executed; /* this process has executed its program, and was not forked since */
};

/*
 * At the start of a program. `begun`, or NULL, is called in each process as soon as it is known to
 * be one, from this call on.
 */
void wt_process_init(struct wt_process *wiped, void (*begun)(void));

/* The id of the process whose memory this is; 0 before init. */
pid_t wt_process_id(void);

/* Whether the caller runs in the memory of another process. One system call. */
bool wt_process_is_vfork_child(void);

/* Whether this process was forked and has not executed another program since. */
bool wt_process_is_fork(void);

/* Called in a child of fork(2), so that its id is known from the start. */
void wt_process_forked(void);

#endif
