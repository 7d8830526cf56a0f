/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#include <linux/close_range.h>
#include <sched.h>
#include <stdio.h>
#include <sys/single_threaded.h>
#include <unistd.h>

#include "config.h"
#include "core.h"
#include "edge.h"
#include "owed.h"
#include "real.h"
#include "stats.h"

/*
 * The verdict goes before the descriptor does: once the number is free, another
 * thread may be given it.
 */
static int closing(int fd)
{
	union wt_verdict verdict = wt_fdtable_get(fd);
	int errno_before = errno;
	int err = likely(!verdict.word && !wt_owed_any()) ? 0 : wt_core_closing(fd, verdict);

	errno = errno_before;
	return err;
}

WT_EXPORT int close(int fd)
{
	int errno_before = errno;
	int err = closing(fd);
	int ret = wt_real.close(fd);

	return ret || likely(!err) ? ret : (int)wt_leave(err, errno_before);
}

static void closing_range(unsigned int first, unsigned int last)
{
	int errno_before = errno;

	wt_core_closing_range(first, last);
	errno = errno_before;
}

/* To a thread that is the only one nothing happens; a vfork child's table is its own anyway. */
static int split(int ret)
{
	if (!ret && wt_config.active && !__libc_single_threaded && !wt_stats_is_guest())
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

/* A stream without a descriptor (fmemopen(3)) has none to forget. */
static int closing_stream(FILE *stream)
{
	int errno_before = errno;
	int fd = fileno(stream);

	errno = errno_before;
	return fd < 0 ? 0 : closing(fd);
}

WT_EXPORT int fclose(FILE *stream)
{
	int errno_before = errno;
	int err = closing_stream(stream);

	/* Tools that check their output close stderr in atexit(3), before any destructor. */
	if (stream == stderr)
		wt_core_stderr_closing();
	int ret = wt_real.fclose(stream);

	if (ret || likely(!err))
		return ret;
	wt_leave(err, errno_before);
	return EOF;
}

WT_EXPORT int pclose(FILE *stream)
{
	closing_stream(stream);
	return wt_real.pclose(stream);
}

/* The old file is closed and the new one mostly gets its number. */
WT_EXPORT FILE *freopen(const char *path, const char *mode, FILE *stream)
{
	closing_stream(stream);
	stream = wt_real.freopen(path, mode, stream);
	if (stream && fileno(stream) >= 0)
		wt_fdtable_forget(fileno(stream));
	return stream;
}

WT_ALIAS(freopen) FILE *freopen64(const char *path, const char *mode, FILE *stream);
