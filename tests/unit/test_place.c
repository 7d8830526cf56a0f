/* SPDX-License-Identifier: MIT */
/* The path of a file by the name that it was opened by: as /proc has it, or none. */
#define _GNU_SOURCE
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "place.h"
#include "sys.h"

static char dir[64], expected[PATH_MAX];
static int fd;

static void setup(void)
{
	char here[] = "/tmp/wt-place.XXXXXX";

	cr_assert(mkdtemp(here) && realpath(here, dir) && !chdir(dir));
	cr_assert(!mkdir("sub", 0700) && !symlink("sub", "to-sub") && !symlink("file", "to-file"));
	fd = open("file", O_RDWR | O_CREAT, 0600);
	cr_assert(fd >= 0 && wt_sys_path(fd, expected, sizeof(expected)) > 0);
}

static void teardown(void)
{
	cr_assert(!unlink("file") && !unlink("to-file") && !unlink("to-sub") && !rmdir("sub"));
	cr_assert(!chdir("/") && !rmdir(dir));
}

TestSuite(place, .init = setup, .fini = teardown);

static ssize_t ask(int dirfd, const char *name, char *buf, size_t size)
{
	struct stat st;

	cr_assert(!wt_sys.identify(fd, &st));
	return wt_place_path(&(struct wt_place){ dirfd, name }, &st, buf, size);
}

static void expect_path(const char *name)
{
	char path[PATH_MAX] = "";

	cr_expect_eq(ask(AT_FDCWD, name, path, sizeof(path)), (ssize_t)strlen(expected), "%s",
		     name);
	cr_expect_str_eq(path, expected, "%s: %s", name, path);
}

static void expect_none(int dirfd, const char *name)
{
	char path[PATH_MAX];

	cr_expect_eq(ask(dirfd, name, path, sizeof(path)), -ENOENT, "%s: %s", name, path);
}

Test(place, is_the_path_however_it_is_written)
{
	char name[PATH_MAX];

	expect_path("file");
	expect_path("./file");
	expect_path(".//sub/.././sub//../file");
	snprintf(name, sizeof(name), "%s/../../..%s/file", dir, dir);
	expect_path(name);
	snprintf(name, sizeof(name), "//%s//.//sub/../file", dir);
	expect_path(name);
	cr_assert(!chdir("sub"));
	expect_path("../file");
	cr_assert(!chdir("/"));
	expect_path(expected + 1);
	cr_assert(!chdir(dir));
}

Test(place, is_not_known_behind_a_symbolic_link)
{
	expect_none(AT_FDCWD, "to-file");
	expect_none(AT_FDCWD, "to-sub/../file");
	cr_assert(!chdir("to-sub"));
	expect_path("../file");
	cr_assert(!chdir(dir));
}

Test(place, is_not_known_below_a_descriptor)
{
	int at = open(".", O_PATH | O_DIRECTORY);

	expect_none(at, "file");
	close(at);
}

Test(place, is_not_that_of_another_file)
{
	expect_none(AT_FDCWD, "sub");
	expect_none(AT_FDCWD, "missing");
	expect_none(AT_FDCWD, "");
}

Test(place, is_refused_where_it_does_not_fit)
{
	char path[64];
	struct stat st;

	cr_assert(!wt_sys.identify(fd, &st));
	cr_expect_eq(wt_place_path(NULL, &st, path, sizeof(path)), -ENOENT);
	cr_expect_lt(ask(AT_FDCWD, "file", path, strlen(dir) + 3), 0);
	cr_expect_eq(ask(AT_FDCWD, "file", path, strlen(expected) + 1), (ssize_t)strlen(expected));
}
