/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#include "place.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdbool.h>
#include <string.h>
#include <sys/syscall.h>

#include "base.h"
#include "raw.h"
#include "sys.h"

/* Without a symbolic link in it, and the file that was opened. */
static bool leads_to(const char *path, const struct stat *file)
{
	struct open_how how = { .flags = O_PATH | O_CLOEXEC, .resolve = RESOLVE_NO_SYMLINKS };
	struct stat there;
	int fd = wt_kernel(SYS_openat2, AT_FDCWD, path, &how, sizeof(how));

	if (fd < 0)
		return false;
	int err = wt_sys.identify(fd, &there);
	wt_sys.close(fd);
	return !err && wt_is_same_file(&there, file);
}

/* Takes "//", "/./" and "/../" out, which means what it says where there is no symbolic link. */
static size_t simplify(char *path)
{
	char *to = path;

	for (const char *from = path; *from;) {
		size_t len = strchrnul(from + 1, '/') - from;

		if (len == 3 && !memcmp(from, "/..", 3)) {
			while (to > path && *--to != '/')
				;
		} else if (len > 2 || (len == 2 && from[1] != '.')) {
			memmove(to, from, len);
			to += len;
		}
		from += len;
	}
	*to = '\0';
	return to - path;
}

ssize_t wt_place_path(const struct wt_place *place, const struct stat *file, char *buf, size_t size)
{
	size_t start = 0;

	if (!place || (*place->path != '/' && place->dirfd != AT_FDCWD))
		return -ENOENT;
	if (*place->path != '/') {
		/* The length with the NUL, in whose place a '/' comes. */
		long len = wt_kernel(SYS_getcwd, buf, size);

		if (len <= 0 || *buf != '/')
			return -ENOENT;
		buf[len - 1] = '/';
		start = len;
	}
	size_t len = strlen(place->path);
	if (len >= size - start)
		return -ENAMETOOLONG;
	memcpy(buf + start, place->path, len + 1);
	return leads_to(buf, file) ? (ssize_t)simplify(buf) : -ENOENT;
}
