/* SPDX-License-Identifier: MIT */
/*
 * path - a file by the name that a program gives, and its path as /proc would have it.
 *
 * The path of a name is found by readlink(2) of its parts, without a descriptor: one of libwt's own
 * would have the lowest free number, which may be one that the program's call names and believes to
 * be closed. Where the directories above cannot be searched, or the file at the end is not the one
 * that the kernel finds by the name, nothing is said. Owns nothing, no lock.
 */
#ifndef WT_PATH_H
#define WT_PATH_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/stat.h>
#include <sys/types.h>

/* As the program gave it: it may not be there, until the kernel has read it. */
struct wt_path {
	int dirfd;
	const char *path;
};

/* A buffer of so many bytes is enough for each path. */
#define WT_PATH_BYTES 8192

/*
 * The absolute path of a name that the kernel has read, with no symbolic link in it but the last
 * part itself, which is followed with `follows` only. That part need not exist. The
 * length without the final NUL; -ENAMETOOLONG where the buffer is too small, of which a part is
 * used on the way; another -errno where it cannot be known.
 */
ssize_t wt_path_resolve(const struct wt_path *place, bool follows, char *buf, size_t size);

/*
 * The absolute path of the file, which has just been opened there; or -errno: -ENOENT where it
 * cannot be known or `place` is NULL, -ENAMETOOLONG as above.
 */
ssize_t wt_path_path(const struct wt_path *place, const struct stat *file, char *buf, size_t size);

/*
 * The path of an open file: what /proc calls it, if this is the file that stands there, or it has
 * been unlinked; else the one by which it was opened, if `place` is not NULL. The two differ where
 * names are changed on their way to the kernel (proot), in another mount namespace, and where a
 * mount is covered or gone. The length or -errno as above; *hearsay: only /proc says so, and
 * another file or none stands there.
 */
ssize_t wt_path_name(int fd, const struct stat *file, const struct wt_path *place, char *buf,
		     size_t size, bool *hearsay);

#endif
