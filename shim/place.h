/* SPDX-License-Identifier: MIT */
/*
 * place - a file by the name that a program gives, and its path where /proc does not say it.
 *
 * In a chroot without /proc the only name of a file that was just opened is the one it was opened
 * by. It is the file's path, as /proc would have it, if no symbolic link leads there, and that is
 * what the kernel is asked (openat2(2), 5.6). Owns nothing, no lock.
 */
#ifndef WT_PLACE_H
#define WT_PLACE_H

#include <stddef.h>
#include <sys/stat.h>
#include <sys/types.h>

/* As the program gave it: it may not be there, until the kernel has read it. */
struct wt_place {
	int dirfd;
	const char *path;
};

/*
 * The absolute path of the file, which has just been opened there; its length without the final
 * NUL, or -errno: -ENOENT where it cannot be known, -ENAMETOOLONG where it does not fit.
 */
ssize_t wt_place_path(const struct wt_place *place, const struct stat *file, char *buf,
		      size_t size);

#endif
