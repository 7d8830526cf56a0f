/* SPDX-License-Identifier: MIT */
/* Descriptors are duplicated. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdarg.h>
#include <unistd.h>

#include "core/lifecycle.h"
#include "core/resolve.h"
#include "edge/edge.h"
#include "os/real.h"
#include "os/sys.h"

/* The new number is of the same open file description and gets the same verdict. */
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

/* dup2 and dup3 close newfd if they succeed, so what is known of it is forgotten before. */
static void replacing(int fd, int newfd)
{
	int errno_before = errno;
	union wt_verdict verdict = wt_fdtable_get(newfd);

	if (unlikely(wt_fdtable_is_known(newfd)) && fd != newfd && wt_sys.getfd(fd) >= 0)
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
 * F_SETFL needs no attention, because the flags are asked for at each write. F_GETFL does not show
 * flags that libwt added (O_DSYNC). The third argument is an int, a pointer or missing; read as a
 * pointer, it is complete.
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
