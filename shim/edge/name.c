/* SPDX-License-Identifier: MIT */
/* Names and sizes of files are changed; core/namespace.h makes the changes stable. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <linux/fs.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "core/namespace.h"
#include "edge/edge.h"
#include "os/real.h"
#include "state/config.h"
#include "state/fdtable.h"

static int changed(const struct wt_naming *naming)
{
	int errno_before = errno;

	return wt_leave(wt_namespace_change(naming), errno_before);
}

WT_EXPORT int rename(const char *from, const char *to)
{
	if (likely(!wt_config.names))
		return wt_real.rename(from, to);
	return changed(&(struct wt_naming){ WT_RENAME, { AT_FDCWD, from }, { AT_FDCWD, to }, 0 });
}

WT_EXPORT int renameat(int from_dir, const char *from, int to_dir, const char *to)
{
	if (likely(!wt_config.names))
		return wt_real.renameat(from_dir, from, to_dir, to);
	return changed(&(struct wt_naming){ WT_RENAMEAT, { from_dir, from }, { to_dir, to }, 0 });
}

WT_EXPORT int renameat2(int from_dir, const char *from, int to_dir, const char *to,
			unsigned int flags)
{
	if (likely(!wt_config.names))
		return wt_real.renameat2(from_dir, from, to_dir, to, flags);
	return changed(
		&(struct wt_naming){ WT_RENAMEAT2, { from_dir, from }, { to_dir, to }, flags });
}

WT_EXPORT int link(const char *from, const char *to)
{
	if (likely(!wt_config.names))
		return wt_real.link(from, to);
	return changed(&(struct wt_naming){ WT_LINK, { AT_FDCWD, from }, { AT_FDCWD, to }, 0 });
}

WT_EXPORT int linkat(int from_dir, const char *from, int to_dir, const char *to, int flags)
{
	if (likely(!wt_config.names))
		return wt_real.linkat(from_dir, from, to_dir, to, flags);
	return changed(&(struct wt_naming){ WT_LINKAT, { from_dir, from }, { to_dir, to }, flags });
}

WT_EXPORT int unlink(const char *path)
{
	if (likely(!wt_config.names))
		return wt_real.unlink(path);
	return changed(&(struct wt_naming){ .call = WT_UNLINK, .from = { AT_FDCWD, path } });
}

WT_EXPORT int unlinkat(int dir, const char *path, int flags)
{
	if (likely(!wt_config.names) || flags & AT_REMOVEDIR)
		return wt_real.unlinkat(dir, path, flags);
	return changed(
		&(struct wt_naming){ .call = WT_UNLINKAT, .from = { dir, path }, .flags = flags });
}

/* libc's remove(3) unlinks by an internal call. */
WT_EXPORT int remove(const char *path)
{
	if (likely(!wt_config.names))
		return wt_real.remove(path);
	return changed(&(struct wt_naming){ .call = WT_REMOVE, .from = { AT_FDCWD, path } });
}

WT_EXPORT int truncate(const char *path, off_t len)
{
	int errno_before = errno;

	if (likely(!wt_config.sizes))
		return wt_real.truncate(path, len);
	return wt_leave(wt_namespace_truncate(path, len), errno_before);
}

WT_ALIAS(truncate) int truncate64(const char *path, off64_t len);

/* Whether the file may be under a rule, so that a change of its size has to be made stable. */
static inline bool may_settle(int fd)
{
	return unlikely(wt_config.active && wt_fdtable_get(fd).state != WT_NO_RULE);
}

static int resized(int fd)
{
	int errno_before = errno;

	return wt_leave(wt_namespace_resized(fd), errno_before);
}

WT_EXPORT int ftruncate(int fd, off_t len)
{
	int ret = wt_real.ftruncate(fd, len);

	return !ret && may_settle(fd) ? resized(fd) : ret;
}

WT_ALIAS(ftruncate) int ftruncate64(int fd, off64_t len);

WT_EXPORT int fallocate(int fd, int mode, off_t offset, off_t len)
{
	int ret = wt_real.fallocate(fd, mode, offset, len);

	return !ret && may_settle(fd) ? resized(fd) : ret;
}

WT_ALIAS(fallocate) int fallocate64(int fd, int mode, off64_t offset, off64_t len);

/* Returns an errno value and leaves errno alone (posix_fallocate(3)). */
WT_EXPORT int posix_fallocate(int fd, off_t offset, off_t len)
{
	int errno_before = errno;
	int ret = wt_real.posix_fallocate(fd, offset, len);

	if (!ret && may_settle(fd) && resized(fd)) {
		ret = errno;
		errno = errno_before;
	}
	return ret;
}

WT_ALIAS(posix_fallocate) int posix_fallocate64(int fd, off64_t offset, off64_t len);

#define PREALLOCATES(number) _IOC(_IOC_WRITE, 'X', number, 48)

/*
 * Whether the request changes what a file holds: a clone of another file's extents
 * (ioctl_ficlonerange(2)), or fallocate(2) by its old names (include/linux/falloc.h).
 */
static bool may_change(unsigned long request)
{
	switch (request) {
	case FICLONE:
	case FICLONERANGE:
	case PREALLOCATES(40): /* FS_IOC_RESVSP */
	case PREALLOCATES(41): /* FS_IOC_UNRESVSP */
	case PREALLOCATES(42): /* FS_IOC_RESVSP64 */
	case PREALLOCATES(43): /* FS_IOC_UNRESVSP64 */
	case PREALLOCATES(57): /* FS_IOC_ZERO_RANGE */
		return true;
	}
	return false;
}

WT_EXPORT int ioctl(int fd, unsigned long request, ...)
{
	va_list args;

	va_start(args, request);
	void *arg = va_arg(args, void *);
	va_end(args);
	int ret = wt_real.ioctl(fd, request, arg);
	return !ret && unlikely(may_change(request)) && may_settle(fd) ? resized(fd) : ret;
}
