/* SPDX-License-Identifier: MIT */
#include "scratch.h"

#include <criterion/criterion.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char dir[PATH_MAX / 2];

void scratch_make(void)
{
	const char *tmp = getenv("TMPDIR");

	snprintf(dir, sizeof(dir), "%s/wt-unit.XXXXXX", tmp ? tmp : "/tmp");
	cr_assert(mkdtemp(dir), "%s: %s", dir, strerror(errno));
}

void scratch_remove(void)
{
	DIR *stream = opendir(dir);

	for (struct dirent *entry; (entry = readdir(stream));)
		unlinkat(dirfd(stream), entry->d_name, 0);
	closedir(stream);
	rmdir(dir);
}

const char *scratch_dir(void)
{
	return dir;
}

const char *scratch_path(const char *name)
{
	static char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	return path;
}

const char *scratch_write(const char *name, const void *bytes, size_t len)
{
	const char *path = scratch_path(name);
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0700);

	cr_assert_eq(write(fd, bytes, len), (ssize_t)len, "%s: %s", path, strerror(errno));
	close(fd);
	return path;
}

const char *scratch_contents(const char *path)
{
	static char contents[1 << 20];
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t len = read(fd, contents, sizeof(contents) - 1);

	cr_assert_geq(len, 0, "%s: %s", path, strerror(errno));
	close(fd);
	contents[len] = '\0';
	return contents;
}
