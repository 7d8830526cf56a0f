/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdarg.h>
#include <unistd.h>

#include "core/lifecycle.h"
#include "core/resolve.h"
#include "edge/edge.h"
#include "os/real.h"
#include "os/sys.h"

/* A new number for the same open file description: the verdict goes with it. */
static int duplicated(int fd, int newfd)
{
	int errno_before = errno;

	if (newfd < 0)
		return newfd;
	wt_resolve_duplicated(fd, newfd);
	return wt_leave(newfd, errno_before);
}

WT_EXPORT int dup(int fd)
{
	return duplicated(fd, wt_real.dup(fd));
}

/* What newfd was is closed by it, if it can be done at all. */
static void replacing(int fd, int newfd)
{
	int errno_before = errno;
	union wt_verdict verdict = wt_fdtable_get(newfd);
	bool is_known = verdict.word || wt_fdtable_description(newfd);

	if (unlikely(is_known) && fd != newfd && wt_sys.getfd(fd) >= 0)
		wt_core_closing(newfd, verdict);
	errno = errno_before;
}

WT_EXPORT int dup2(int fd, int newfd)
{
	replacing(fd, newfd);
	return duplicated(fd, wt_real.dup2(fd, newfd));
}

WT_EXPORT int dup3(int fd, int newfd, int flags)
{
	replacing(fd, newfd);
	return duplicated(fd, wt_real.dup3(fd, newfd, flags));
}

/*
 * F_SETFL needs nothing: the flags are asked for at each write. The third
 * argument is an int, a pointer or nothing; read as a pointer it is whole.
 */
WT_EXPORT int fcntl(int fd, int cmd, ...)
{
	va_list args;

	va_start(args, cmd);
	void *arg = va_arg(args, void *);
	va_end(args);
	int ret = wt_real.fcntl(fd, cmd, arg);
	if (cmd == F_GETFL && ret >= 0)
		return ret & ~wt_fdtable_own_flags(fd);
	return cmd == F_DUPFD || cmd == F_DUPFD_CLOEXEC ? duplicated(fd, ret) : ret;
}

WT_ALIAS(fcntl) int fcntl64(int fd, int cmd, ...);
