/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#include "state/path.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>

#include "base/base.h"
#include "os/fd_path.h"
#include "os/raw.h"
#include "os/sys.h"

#define LINKS_MAX 40 /* as the kernel (MAXSYMLINKS, include/linux/namei.h) */

/*
 * A path on the way to be resolved: what is resolved stands at the front of the buffer, without a
 * '/' at its end, and what is still to be walked at its back.
 */
struct walk {
	char *buf;
	size_t len;  /* of what is resolved */
	size_t rest; /* where the rest begins; there is a NUL at its end */
	unsigned int links;
	bool follows;
};

/* Puts text, and a '/', before the rest. */
static int push(struct walk *walk, const char *text, size_t len)
{
	if (walk->rest - walk->len < len + 2)
		return -ENAMETOOLONG;
	walk->buf[--walk->rest] = '/';
	walk->rest -= len;
	memmove(walk->buf + walk->rest, text, len);
	return 0;
}

/* The path of the directory that a relative name begins in. */
static int begin_at(struct walk *walk, int dirfd)
{
	long len;

	if (dirfd == AT_FDCWD) {
		/* The length with the NUL; a directory that is not below the root has no '/'. */
		len = wt_kernel(SYS_getcwd, walk->buf, walk->rest);
		len = len < 0 ? len : len - 1;
		if (len == -ERANGE)
			len = -ENAMETOOLONG;
	} else {
		len = wt_fd_path(dirfd, walk->buf, walk->rest);
	}
	if (len < 0)
		return len;
	if (*walk->buf != '/')
		return -ENOENT;
	walk->len = len > 1 ? len : 0;
	return 0;
}

static void go_up(struct walk *walk)
{
	while (walk->len && walk->buf[--walk->len] != '/')
		;
}

/* What was just appended may be a symbolic link, which is then walked in its place. */
static int follow(struct walk *walk)
{
	char *target = walk->buf + walk->len + 1;
	size_t room = walk->rest - walk->len - 1;

	ssize_t len = wt_sys.readlink(walk->buf, target, room);
	if (len == -EINVAL)
		return 0;
	if (len < 0)
		return len;
	if ((size_t)len >= room)
		return -ENAMETOOLONG;
	if (++walk->links > LINKS_MAX)
		return -ELOOP;
	bool is_absolute = *target == '/';
	int err = push(walk, target, len);
	if (is_absolute)
		walk->len = 0;
	else
		go_up(walk);
	return err;
}

/* Takes the next part off the rest. */
static int step(struct walk *walk)
{
	const char *part = walk->buf + walk->rest;
	const char *end = strchrnul(part, '/'), *next = end;
	size_t len = end - part;

	while (*next == '/')
		next++;
	bool is_last = !*next, is_directory = *end == '/';
	walk->rest = next - walk->buf;
	if (!len || (len == 1 && *part == '.'))
		return 0;
	if (len == 2 && part[0] == '.' && part[1] == '.') {
		go_up(walk);
		return 0;
	}
	/* It goes forward to where it was, or to the left of that. */
	walk->buf[walk->len] = '/';
	memmove(walk->buf + walk->len + 1, part, len);
	walk->len += len + 1;
	walk->buf[walk->len] = '\0';
	if (is_last && !walk->follows && !is_directory)
		return 0;
	int err = follow(walk);
	return is_last && err == -ENOENT ? 0 : err;
}

ssize_t wt_path_resolve(const struct wt_path *place, bool follows, char *buf, size_t size)
{
	size_t len = strlen(place->path);
	struct walk walk = { .buf = buf, .follows = follows };

	if (len + 3 > size)
		return -ENAMETOOLONG;
	walk.rest = size - len - 1;
	memcpy(buf + walk.rest, place->path, len + 1);
	int err = *place->path == '/' ? 0 : begin_at(&walk, place->dirfd);
	while (!err && buf[walk.rest])
		err = step(&walk);
	if (err)
		return err;
	if (!walk.len)
		buf[walk.len++] = '/';
	buf[walk.len] = '\0';
	return walk.len;
}

/* Asks for the least that can be asked for. */
static bool is_there(const char *path, const struct stat *file)
{
	struct statx stx;

	return !wt_sys.statx(AT_FDCWD, path, AT_STATX_DONT_SYNC, STATX_INO, &stx) &&
	       stx.stx_ino == file->st_ino &&
	       makedev(stx.stx_dev_major, stx.stx_dev_minor) == file->st_dev;
}

/*
 * 0; -ENOENT where another file stands there, or none; else it cannot be known. By an older call
 * once more: what changes names on their way (proot) may know that one only.
 */
static int find(const char *path, const struct stat *file)
{
	struct stat there;

	if (likely(is_there(path, file)))
		return 0;
	int err = wt_kernel(SYS_newfstatat, AT_FDCWD, path, &there, 0);
	if (!err)
		return wt_is_same_file(&there, file) ? 0 : -ENOENT;
	return err == -ENOTDIR ? -ENOENT : err;
}

ssize_t wt_path_path(const struct wt_path *place, const struct stat *file, char *buf, size_t size)
{
	if (!place)
		return -ENOENT;
	ssize_t len = wt_path_resolve(place, true, buf, size);
	if (len < 0)
		return len;
	return find(buf, file) ? -ENOENT : len;
}

ssize_t wt_path_name(int fd, const struct stat *file, const struct wt_path *place, char *buf,
		     size_t size, bool *hearsay)
{
	bool unlinked;
	int told = wt_fd_path(fd, buf, size);

	*hearsay = false;
	/* What cannot be looked at (EACCES) may be right. */
	if (told == -ENAMETOOLONG || (told >= 0 && (!file->st_nlink || find(buf, file) != -ENOENT)))
		return told;
	ssize_t len = wt_path_path(place, file, buf, size);
	if (len >= 0 || len == -ENAMETOOLONG)
		return len;
	/* Once more: it may have been renamed in between. */
	told = wt_fd_path_marked(fd, buf, size, &unlinked);
	if (told >= 0 && unlinked)
		return wt_fd_path(fd, buf, size);
	*hearsay = told >= 0 && find(buf, file) == -ENOENT;
	return told;
}
