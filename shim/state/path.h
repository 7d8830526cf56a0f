/* SPDX-License-Identifier: MIT */
/*
 * path - a file by the name that a program gives, and its path as /proc would show it.
 *
 * The path is found by readlink(2) of its parts, without a descriptor. A descriptor of libwt's own
 * would have the lowest free number, which may be one that the program's call names and believes to
 * be closed. No path is given if a directory on the way cannot be searched, or if the file found is
 * not the one that the kernel finds by the name. Owns nothing, no lock.
 */
#ifndef WT_PATH_H
#define WT_PATH_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/stat.h>
#include <sys/types.h>

/* A path as the program gave it. Its memory may be unreadable until the kernel has read it. */
struct wt_path {
	int dirfd;
	const char *path;
};

/* How many bytes a buffer needs that is large enough for every path. */
#define WT_PATH_BYTES 8192

/*
 * The absolute path of a name that the kernel has read. No symbolic link is left in it but the last
 * part, which is followed with `follows` only; that part need not exist. The length without the
 * final NUL; -ENAMETOOLONG if the buffer is too small, part of which is used on the way; another
 * -errno if the path cannot be known.
 */
ssize_t wt_path_resolve(const struct wt_path *place, bool follows, char *buf, size_t size);

/*
 * The absolute path of the file, which has just been opened at `place`. The length; -ENOENT if it
 * cannot be known or `place` is NULL; -ENAMETOOLONG as above.
 */
ssize_t wt_path_path(const struct wt_path *place, const struct stat *file, char *buf, size_t size);

/*
 * The path of an open file: what /proc shows, if this file is found there or has been unlinked;
 * else the path by which it was opened, if `place` is not NULL. The two differ if paths are changed
 * on their way to the kernel (proot), in another mount namespace, and if a mount is covered or
 * gone. The length or -errno as above. *hearsay: only /proc shows this path, and another file or
 * none is there.
 */
ssize_t wt_path_name(int fd, const struct stat *file, const struct wt_path *place, char *buf,
		     size_t size, bool *hearsay);

#endif
