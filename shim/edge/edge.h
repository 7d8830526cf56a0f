/* SPDX-License-Identifier: MIT */
/*
 * edge - the border between libc's conventions and libwt's.
 *
 * An edge is one exported symbol: enter, core, leave. Below it everything
 * returns -errno; only here is errno set, and a success leaves it as it was.
 */
#ifndef WT_EDGE_H
#define WT_EDGE_H

#include <errno.h>
#include <sys/types.h>

#include "base/base.h"
#include "os/thread.h"
#include "state/path.h"

/* An edge keeps it over its call also in a thread that has none. */
#undef errno
#define errno (*wt_thread_errno())

static inline ssize_t wt_leave(ssize_t ret, int errno_before)
{
	/* Not stored again where it is that already: two threads of clone(2) may share one errno.
	 */
	if (ret < 0)
		*wt_thread_failure() = (int)-ret;
	else if (unlikely(errno != errno_before))
		errno = errno_before;
	return ret < 0 ? -1 : ret;
}

/*
 * What is done before a descriptor is closed; 0, or the -errno that its close is to tell. errno
 * stays as it is.
 */
int wt_edge_closing(int fd);

/* A descriptor was made by opening; -1 and errno where WT_STRICT refuses it, which closes it. */
int wt_edge_opened(int fd, int flags, const struct wt_path *place);

/* The program ends: its streams hand over what they hold, as libc does it later, unseen. */
void wt_edge_exiting(void);

/* Makes a call that brings the thread into seccomp's strict mode, and passes by from then on. */
long wt_edge_confining(long (*confine)(const void *call), const void *call);

/* pwrite64 is pwrite under another name where off_t has 64 bits (base.h). */
#define WT_ALIAS(symbol) WT_EXPORT __attribute__((alias(#symbol)))

#endif
