/* SPDX-License-Identifier: MIT */
/*
 * edge - the border between libc's conventions and libwt's.
 *
 * An edge is one exported symbol: it keeps errno, calls the core, and returns as libc does. Below
 * the edges everything returns -errno; only here is errno set, and a success leaves it as it was.
 * Memory that the program passes may not be mapped, so an edge reads it by wt_sys_read_program and
 * leaves the answer to the kernel. No lock.
 */
#ifndef WT_EDGE_H
#define WT_EDGE_H

#include <errno.h>
#include <sys/types.h>

#include "base/base.h"
#include "os/thread.h"
#include "state/path.h"

/* An edge saves and restores errno around its call, also in a thread that has none. */
#undef errno
#define errno (*wt_thread_errno())

/* Returns as libc does: an error as -1 and errno, a success with errno as it was before. */
static inline ssize_t wt_leave(ssize_t ret, int errno_before)
{
	/* Stored only if it has changed, because two threads of clone(2) may share one errno. */
	if (ret < 0)
		*wt_thread_failure() = (int)-ret;
	else if (unlikely(errno != errno_before))
		errno = errno_before;
	return ret < 0 ? -1 : ret;
}

/*
 * Called before a descriptor is closed. Returns 0, or the -errno that the close shall return
 * although the descriptor is gone. errno is unchanged.
 */
int wt_edge_closing(int fd);

/*
 * Called after a descriptor was opened with these O_* flags at `place`, NULL if unknown. Returns
 * it; if WT_STRICT refuses the file, closes it and returns -1 with errno.
 */
int wt_edge_opened(int fd, int flags, const struct wt_path *place);

/* The process ends: its streams hand over what they hold. libc would do it later, unseen. */
void wt_edge_exiting(void);

/*
 * Makes a call that puts the thread into seccomp's strict mode. What the thread writes from then on
 * goes to the kernel as it comes.
 */
long wt_edge_confining(long (*confine)(const void *call), const void *call);

/* A second name of a function: pwrite64 is pwrite, as off_t has 64 bits (base/base.h). */
#define WT_ALIAS(symbol) WT_EXPORT __attribute__((alias(#symbol)))

#endif
