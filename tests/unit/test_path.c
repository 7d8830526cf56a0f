/* SPDX-License-Identifier: MIT */
/* The path of a file by the name that it was opened by: as /proc has it, or none. */
#define _GNU_SOURCE
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "os/fd_path.h"
#include "os/sys.h"
#include "state/path.h"

static char dir[64], expected[PATH_MAX];
static int fd;

static void setup(void)
{
	char here[] = "/tmp/wt-place.XXXXXX";

	cr_assert(mkdtemp(here) && realpath(here, dir) && !chdir(dir));
	cr_assert(!mkdir("sub", 0700) && !symlink("sub", "to-sub") && !symlink("file", "to-file"));
	fd = open("file", O_RDWR | O_CREAT, 0600);
	cr_assert(fd >= 0 && wt_fd_path(fd, expected, sizeof(expected)) > 0);
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
	return wt_path_path(&(struct wt_path){ dirfd, name }, &st, buf, size);
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

Test(place, is_the_path_behind_symbolic_links)
{
	expect_path("to-file");
	expect_path("to-sub/../file");
	expect_path("./to-sub/..//to-file");
	cr_assert(!chdir("to-sub"));
	expect_path("../file");
	cr_assert(!chdir(dir));
}

Test(place, is_the_path_below_a_descriptor)
{
	int at = open("sub", O_PATH | O_DIRECTORY);
	char path[PATH_MAX];

	cr_expect_eq(ask(at, "../to-file", path, sizeof(path)), (ssize_t)strlen(expected));
	cr_expect_str_eq(path, expected);
	close(at);
	expect_none(at, "file");
}

Test(place, is_resolved_as_the_kernel_does)
{
	static const struct {
		const char *link, *target;
	} links[] = {
		{ "chain", "chain2" },
		{ "chain2", "./sub/../to-file" },
		{ "up", "sub/to-parent" },
		{ "sub/to-parent", ".." },
		{ "loop", "loop" },
		{ "slashed", "sub//" },
		{ "dangling", "sub/none" },
		{ "root", "/" },
		{ "self", "." },
		{ "far", "up/up/up/self/self/to-file" },
	};
	static const char *const names[] = {
		"chain",
		"up",
		"up/file",
		"up/up/sub",
		"slashed",
		"slashed/",
		"slashed/../chain",
		"root",
		"root/proc/..",
		"self/self/file",
		"far",
		"/",
		"//",
		"/..",
		"/../proc/.",
		".",
		"..",
		"sub/",
		"sub/.",
		"sub/./..",
		"loop",
		"loop/x",
		"gone/file",
		"file/..",
		"../.././..",
		"root/proc/self/",
		"/proc/self/cwd",
		"sub/to-parent/to-sub",
	};
	char real[PATH_MAX], path[WT_PATH_BYTES];

	for (size_t i = 0; i < sizeof(links) / sizeof(links[0]); i++)
		cr_assert(!symlink(links[i].target, links[i].link));
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		ssize_t len = wt_path_resolve(&(struct wt_path){ AT_FDCWD, names[i] }, true, path,
					      sizeof(path));
		bool is_there = realpath(names[i], real);

		/* A part that is no directory is left to the call itself to find out. */
		if (is_there)
			cr_expect(len == (ssize_t)strlen(real) && !strcmp(path, real),
				  "%s: '%s', expected '%s'", names[i], path, real);
		else if (errno != ENOTDIR)
			cr_expect_eq(len, -errno, "%s: %zd", names[i], len);
	}
	for (size_t i = 0; i < sizeof(links) / sizeof(links[0]); i++)
		cr_assert(!unlink(links[i].link));
}

Test(place, of_what_is_not_there_yet_is_where_it_will_be)
{
	char path[WT_PATH_BYTES], there[PATH_MAX];

	cr_assert(!symlink("sub/none", "dangling"));
	snprintf(there, sizeof(there), "%s/sub/none", dir);
	cr_expect_gt(wt_path_resolve(&(struct wt_path){ AT_FDCWD, "to-sub/none" }, true, path,
				     sizeof(path)),
		     0);
	cr_expect_str_eq(path, there);
	cr_expect_gt(wt_path_resolve(&(struct wt_path){ AT_FDCWD, "dangling" }, true, path,
				     sizeof(path)),
		     0);
	cr_expect_str_eq(path, there);
	snprintf(there, sizeof(there), "%s/dangling", dir);
	cr_expect_gt(wt_path_resolve(&(struct wt_path){ AT_FDCWD, "to-sub/../dangling" }, false,
				     path, sizeof(path)),
		     0);
	cr_expect_str_eq(path, there, "the link itself: %s", path);
	cr_assert(!unlink("dangling"));
}

Test(place, takes_no_descriptor)
{
	char path[WT_PATH_BYTES];
	int before = dup(0);

	close(before);
	for (int i = 0; i < 3; i++)
		cr_expect_gt(ask(AT_FDCWD, "to-sub/../to-file", path, sizeof(path)), 0);
	int after = dup(0);
	cr_expect_eq(after, before);
	close(after);
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
	cr_expect_eq(wt_path_path(NULL, &st, path, sizeof(path)), -ENOENT);
	cr_expect_lt(ask(AT_FDCWD, "file", path, strlen(dir) + 3), 0);
	for (size_t size = 0; size < sizeof(path); size++) {
		ssize_t len = ask(AT_FDCWD, "to-sub/../to-file", path, size);

		cr_expect(len == (ssize_t)strlen(expected) || len == -ENAMETOOLONG, "%zu: %zd",
			  size, len);
	}
}
