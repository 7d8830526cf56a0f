/* SPDX-License-Identifier: MIT */
/* The path of an open file: of one that was renamed, removed, or is called as if it were. */
#define _GNU_SOURCE
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/base.h"
#include "os/fd_path.h"
#include "os/sys.h"
#include "scratch.h"

TestSuite(fd_path, .init = scratch_make, .fini = scratch_remove);

/* The scratch directory by the name that the kernel gives it. */
static const char *real_path(const char *name)
{
	static char path[2 * PATH_MAX];
	char *resolved = realpath(scratch_dir(), NULL);

	snprintf(path, sizeof(path), "%s/%s", resolved, name);
	free(resolved);
	return path;
}

static int file_called(const char *name)
{
	int fd = open(scratch_path(name), O_RDWR | O_CREAT | O_CLOEXEC, 0600);

	cr_assert_geq(fd, 0, "%m");
	return fd;
}

Test(fd_path, a_path_is_the_name_of_the_open_file)
{
	char path[PATH_MAX];
	int fd = file_called("file");

	cr_expect_eq(wt_fd_path(fd, path, sizeof(path)), (int)strlen(real_path("file")));
	cr_expect_str_eq(path, real_path("file"));
	rename(scratch_path("file"), real_path("other"));
	wt_fd_path(fd, path, sizeof(path));
	cr_expect_str_eq(path, real_path("other"));
	cr_expect_eq(wt_fd_path(1 << 20, path, sizeof(path)), -ENOENT);
}

Test(fd_path, a_name_that_is_gone_is_told_as_such)
{
	char path[PATH_MAX];
	int fd = file_called("file");
	bool unlinked = true;

	wt_fd_path_marked(fd, path, sizeof(path), &unlinked);
	cr_expect_not(unlinked);
	unlink(scratch_path("file"));
	cr_expect_eq(wt_fd_path_marked(fd, path, sizeof(path), &unlinked), (int)strlen(path));
	cr_expect(unlinked);
	cr_expect_str_eq(path, real_path("file (deleted)"));
	cr_expect_eq(wt_fd_path(fd, path, sizeof(path)), (int)strlen(path));
	cr_expect_str_eq(path, real_path("file"));
}

Test(fd_path, a_file_may_be_called_deleted)
{
	char path[PATH_MAX];
	int fd = file_called("file (deleted)");
	bool unlinked = true;

	wt_fd_path_marked(fd, path, sizeof(path), &unlinked);
	cr_expect_not(unlinked);
	wt_fd_path(fd, path, sizeof(path));
	cr_expect_str_eq(path, real_path("file (deleted)"));
}

/* Another file may have the words as its name by now. */
Test(fd_path, a_file_called_deleted_is_not_the_one_that_is_gone)
{
	char path[PATH_MAX];
	int fd = file_called("file");

	unlink(scratch_path("file"));
	close(file_called("file (deleted)"));
	wt_fd_path(fd, path, sizeof(path));
	cr_expect_str_eq(path, real_path("file"));
}

Test(fd_path, a_path_that_does_not_fit_is_refused)
{
	char path[PATH_MAX];
	int fd = file_called("file");
	size_t len = strlen(real_path("file"));

	cr_expect_eq(wt_fd_path(fd, path, len), -ENAMETOOLONG);
	cr_expect_eq(wt_fd_path(fd, path, len + 1), (int)len);
}

static void expect_link_of(const char *link, int fd)
{
	struct stat by_link, st;

	cr_assert_eq(stat(link, &by_link), 0, "%s", link);
	cr_assert_eq(fstat(fd, &st), 0);
	cr_expect(wt_is_same_file(&by_link, &st), "%s", link);
}

Test(fd_path, the_link_opens_the_file_again)
{
	char link[WT_FD_PATH_LINK_BYTES];
	int fd = file_called("file");

	unlink(scratch_path("file"));
	wt_fd_path_link(fd, link);
	expect_link_of(link, fd);
	wt_fd_path_link_of(gettid(), fd, link);
	expect_link_of(link, fd);
}

Test(fd_path, the_longest_links_fit)
{
	char link[WT_FD_PATH_LINK_BYTES];

	wt_fd_path_link(INT_MAX, link);
	cr_expect_str_eq(link, "/proc/thread-self/fd/2147483647");
	wt_fd_path_link_of(4194304, 1048576, link);
	cr_expect_str_eq(link, "/proc/self/task/4194304/fd/1048576");
}

static struct wt_sys real;

/* What changes names on their way (proot) knows no other. */
static ssize_t know_self_alone(const char *path, char *buf, size_t size)
{
	return strncmp(path, "/proc/self/", 11) ? -ENOENT : real.readlink(path, buf, size);
}

Test(fd_path, where_the_thread_s_link_is_not_known_the_process_s_is_asked)
{
	char path[PATH_MAX];
	int fd = file_called("file");

	real = wt_sys;
	wt_sys.readlink = know_self_alone;
	cr_expect_gt(wt_fd_path(fd, path, sizeof(path)), 0);
	cr_expect_str_eq(path, real_path("file"));
}
