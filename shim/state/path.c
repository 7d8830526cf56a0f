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

#define LINKS_MAX 40 /* the kernel's own limit (MAXSYMLINKS, include/linux/namei.h) */

/*
 * A path that is being resolved, in one buffer. The resolved part is at the front, without a '/' at
 * its end, and the rest, which is still to be walked, is at the back.
 */
struct walk {
	char *buf;
	size_t len;  /* of the resolved part */
	size_t rest; /* where the rest begins; it ends with a NUL */
	unsigned int links;
	bool follows;
};

/* Puts the text, and a '/', before the rest. 0 or -ENAMETOOLONG. */
static int push(struct walk *walk, const char *text, size_t len)
{
	if (walk->rest - walk->len < len + 2)
		return -ENAMETOOLONG;
	walk->buf[--walk->rest] = '/';
	walk->rest -= len;
	memmove(walk->buf + walk->rest, text, len);
	return 0;
}

/* Begins with the path of the directory that a relative name starts from. 0 or -errno. */
static int begin_at(struct walk *walk, int dirfd)
{
	long len;

	if (dirfd == AT_FDCWD) {
		/*
		 * getcwd(2) counts the NUL. The path of a directory not below the root has no '/'.
		 */
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

/* Takes the last part off the resolved part. */
static void go_up(struct walk *walk)
{
	while (walk->len && walk->buf[--walk->len] != '/')
		;
}

/* Replaces the part that was just added by its target if it is a symbolic link. 0 or -errno. */
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

/* Moves the next part of the path from the rest to the resolved part. 0 or -errno. */
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
	/* The part moves to the front or stays where it is, so it never overwrites the rest. */
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

/* Whether this file is at that path. Asks statx(2) for as little as possible. */
static bool is_there(const char *path, const struct stat *file)
{
	struct statx stx;

	return !wt_sys.statx(AT_FDCWD, path, AT_STATX_DONT_SYNC, STATX_INO, &stx) &&
	       stx.stx_ino == file->st_ino &&
	       makedev(stx.stx_dev_major, stx.stx_dev_minor) == file->st_dev;
}

/*
 * 0 if this file is at that path; -ENOENT if another file is, or none; another -errno if that
 * cannot be known. newfstatat(2) is tried too, since a program that changes paths on their way to
 * the kernel (proot) may not know statx(2).
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
	int proc_len = wt_fd_path(fd, buf, size);

	*hearsay = false;
	/* A path that cannot be looked at (EACCES) may be right. */
	if (proc_len == -ENAMETOOLONG ||
	    (proc_len >= 0 && (!file->st_nlink || find(buf, file) != -ENOENT)))
		return proc_len;
	ssize_t len = wt_path_path(place, file, buf, size);
	if (len >= 0 || len == -ENAMETOOLONG)
		return len;
	/* Once more: the file may have been renamed in between. */
	proc_len = wt_fd_path_marked(fd, buf, size, &unlinked);
	if (proc_len >= 0 && unlinked)
		return wt_fd_path(fd, buf, size);
	*hearsay = proc_len >= 0 && find(buf, file) == -ENOENT;
	return proc_len;
}
