/* SPDX-License-Identifier: MIT */
/* Descriptors are closed, or a thread gets a descriptor table of its own. */
#define _GNU_SOURCE
#include <linux/close_range.h>
#include <sched.h>
#include <unistd.h>

#include "core/lifecycle.h"
#include "edge/edge.h"
#include "os/process.h"
#include "os/real.h"
#include "os/thread.h"
#include "state/config.h"

/*
 * The verdict is forgotten before the descriptor is closed: once the number is free, another thread
 * may get it.
 */
int wt_edge_closing(int fd)
{
	union wt_verdict verdict = wt_fdtable_get(fd);
	int errno_before = errno;
	int err = unlikely(wt_fdtable_is_known(fd)) ? wt_core_closing(fd, verdict) : 0;

	errno = errno_before;
	return err;
}

WT_EXPORT int close(int fd)
{
	int errno_before = errno;
	int err = wt_edge_closing(fd);
	int ret = wt_real.close(fd);

	return ret || likely(!err) ? ret : (int)wt_leave(err, errno_before);
}

static void closing_range(unsigned int first, unsigned int last)
{
	int errno_before = errno;

	wt_core_closing_range(first, last);
	errno = errno_before;
}

/*
 * The thread has a descriptor table of its own now. That matters only if there are other threads,
 * and not in a vfork child, which has its own anyway.
 */
static int split(int ret)
{
	if (!ret && wt_config.active && !wt_process_is_vfork_child() && !wt_thread_is_last())
		wt_fdtable_split();
	return ret;
}

WT_EXPORT int close_range(unsigned int first, unsigned int last, int flags)
{
	if (!(flags & CLOSE_RANGE_CLOEXEC) && first <= last)
		closing_range(first, last);
	int ret = wt_real.close_range(first, last, flags);
	return flags & CLOSE_RANGE_UNSHARE ? split(ret) : ret;
}

WT_EXPORT int unshare(int flags)
{
	int ret = wt_real.unshare(flags);

	return flags & CLONE_FILES ? split(ret) : ret;
}

WT_EXPORT void closefrom(int first)
{
	closing_range(first < 0 ? 0 : first, ~0U);
	wt_real.closefrom(first);
}
