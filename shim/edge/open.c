/* SPDX-License-Identifier: MIT */
/* Files are opened. One opened for writing gets its verdict here. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/resolve.h"
#include "edge/edge.h"
#include "edge/reserved.h"
#include "os/real.h"
#include "os/sys.h"

/* A mode is passed only with flags that may make a file (open(2)). */
static bool takes_mode(int flags)
{
	return flags & O_CREAT || (flags & O_TMPFILE) == O_TMPFILE;
}

/*
 * Before the call. Returns 0, or -1 and errno if WT_STRICT refuses the file, so that the file is
 * not truncated.
 */
static int opening(int dirfd, const char *path, int flags)
{
	int errno_before = errno;

	return wt_leave(wt_resolve_may_truncate(dirfd, path, flags), errno_before);
}

/* After the call, for every symbol that makes a descriptor. */
int wt_edge_opened(int fd, int flags, const struct wt_path *place)
{
	int errno_before = errno;

	if (fd < 0)
		return fd;
	int err = wt_resolve_opened(fd, flags, place);
	if (err)
		wt_sys.close(fd);
	return wt_leave(err ? err : fd, errno_before);
}

static int opened(int fd, int dirfd, const char *path, int flags)
{
	return wt_edge_opened(fd, flags, &(struct wt_path){ dirfd, path });
}

static int open_at(int dirfd, const char *path, int flags, mode_t mode)
{
	if (opening(dirfd, path, flags))
		return -1;
	return opened(wt_real.openat(dirfd, path, flags, mode), dirfd, path, flags);
}

WT_EXPORT int open(const char *path, int flags, ...)
{
	mode_t mode = 0;

	if (takes_mode(flags)) {
		va_list args;

		va_start(args, flags);
		mode = va_arg(args, mode_t);
		va_end(args);
	}
	if (opening(AT_FDCWD, path, flags))
		return -1;
	return opened(wt_real.open(path, flags, mode), AT_FDCWD, path, flags);
}

WT_ALIAS(open) int open64(const char *path, int flags, ...);

WT_EXPORT int openat(int dirfd, const char *path, int flags, ...)
{
	mode_t mode = 0;

	if (takes_mode(flags)) {
		va_list args;

		va_start(args, flags);
		mode = va_arg(args, mode_t);
		va_end(args);
	}
	return open_at(dirfd, path, flags, mode);
}

WT_ALIAS(openat) int openat64(int dirfd, const char *path, int flags, ...);

WT_EXPORT int creat(const char *path, mode_t mode)
{
	return open_at(AT_FDCWD, path, O_WRONLY | O_CREAT | O_TRUNC, mode);
}

WT_ALIAS(creat) int creat64(const char *path, mode_t mode);

/*
 * With _FORTIFY_SOURCE, an open whose flags are no constant becomes a call of this function. libc's
 * ends the program if a mode is missing, so the call is passed on to it.
 */
WT_EXPORT int __open_2(const char *path, int flags)
{
	if (opening(AT_FDCWD, path, flags))
		return -1;
	return opened(wt_real.__open_2(path, flags), AT_FDCWD, path, flags);
}

WT_ALIAS(__open_2) int __open64_2(const char *path, int flags);

WT_EXPORT int __openat_2(int dirfd, const char *path, int flags)
{
	if (opening(dirfd, path, flags))
		return -1;
	return opened(wt_real.__openat_2(dirfd, path, flags), dirfd, path, flags);
}

WT_ALIAS(__openat_2) int __openat64_2(int dirfd, const char *path, int flags);

WT_EXPORT int mkstemp(char *template)
{
	return opened(wt_real.mkstemp(template), AT_FDCWD, template, O_RDWR | O_CREAT);
}

WT_ALIAS(mkstemp) int mkstemp64(char *template);

WT_EXPORT int mkostemp(char *template, int flags)
{
	return opened(wt_real.mkostemp(template, flags), AT_FDCWD, template, O_RDWR | O_CREAT);
}

WT_ALIAS(mkostemp) int mkostemp64(char *template, int flags);

WT_EXPORT int mkstemps(char *template, int suffix_len)
{
	return opened(wt_real.mkstemps(template, suffix_len), AT_FDCWD, template, O_RDWR | O_CREAT);
}

WT_ALIAS(mkstemps) int mkstemps64(char *template, int suffix_len);

WT_EXPORT int mkostemps(char *template, int suffix_len, int flags)
{
	return opened(wt_real.mkostemps(template, suffix_len, flags), AT_FDCWD, template,
		      O_RDWR | O_CREAT);
}

WT_ALIAS(mkostemps) int mkostemps64(char *template, int suffix_len, int flags);
