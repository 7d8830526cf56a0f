/* SPDX-License-Identifier: MIT */
/*
 * The next in line: bare system calls before anything was looked up, which answer as libc does, and
 * then libc's own functions, or those of a library that was preloaded behind libwt.
 */
#define _GNU_SOURCE
#include <criterion/criterion.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/base.h"
#include "os/real.h"
#include "scratch.h"

TestSuite(real, .init = scratch_make, .fini = scratch_remove);

/* By memcpy: ISO C has no cast from a function's pointer. */
#define ADDRESS(function)                                                                          \
	({                                                                                         \
		void *address_;                                                                    \
		memcpy(&address_, &(function), sizeof(address_));                                  \
		address_;                                                                          \
	})

/* Not what a library of the same names has that stands before it. */
static void *libcs(const char *name)
{
	void *libc = dlopen("libc.so.6", RTLD_LAZY | RTLD_NOLOAD), *function = dlsym(libc, name);

	cr_assert_not_null(function, "%s", name);
	dlclose(libc);
	return function;
}

Test(real, a_write_before_the_look_up_is_carried_out)
{
	struct iovec iov[] = { { "c", 1 }, { "d", 1 } };
	int fd = wt_real.open(scratch_path("file"), O_RDWR | O_CREAT, 0640);
	struct stat st;

	cr_assert_geq(fd, 0);
	cr_assert_eq(fstat(fd, &st), 0);
	cr_expect_eq(st.st_mode & 0777, 0640);
	cr_expect_eq(wt_real.write(fd, "a", 1), 1);
	cr_expect_eq(wt_real.pwrite(fd, "b", 1, 1), 1);
	cr_expect_eq(wt_real.pwritev(fd, iov, 2, 2), 2);
	cr_expect_eq(wt_real.pwritev2(fd, iov, 1, 4, 0), 1);
	cr_expect_eq(lseek(fd, 0, SEEK_END), 5);
	cr_expect_eq(wt_real.writev(fd, iov, 2), 2);
	cr_expect_eq(wt_real.fsync(fd), 0);
	cr_expect_eq(wt_real.close(fd), 0);
	cr_expect_str_eq(scratch_contents(scratch_path("file")), "abcdccd");
}

Test(real, an_error_before_the_look_up_is_in_errno)
{
	errno = 0;
	cr_expect_eq(wt_real.write(-1, "a", 1), -1);
	cr_expect_eq(errno, EBADF);
	cr_expect_eq(wt_real.fdatasync(-1), -1);
	cr_expect_eq(wt_real.open("/no/such/file", O_RDONLY), -1);
	cr_expect_eq(errno, ENOENT);
}

/* dup3(2), by which it is made, refuses that. */
Test(real, a_duplicate_on_its_own_number_is_that_number)
{
	int fd = open("/", O_PATH | O_CLOEXEC);

	cr_expect_eq(wt_real.dup2(fd, fd), fd);
	cr_expect_eq(wt_real.dup2(fd, fd + 1), fd + 1);
	close(fd);
	errno = 0;
	cr_expect_eq(wt_real.dup2(fd, fd), -1);
	cr_expect_eq(errno, EBADF);
}

Test(real, names_are_changed_by_the_newest_call_of_each_family)
{
	char one[PATH_MAX], other[PATH_MAX];

	strcpy(one, scratch_write("one", "bytes", 5));
	strcpy(other, scratch_path("other"));
	cr_expect_eq(wt_real.rename(one, other), 0);
	cr_expect_eq(access(one, F_OK), -1);
	cr_expect_eq(wt_real.link(other, one), 0);
	cr_expect_eq(wt_real.truncate(one, 3), 0);
	cr_expect_str_eq(scratch_contents(other), "byt");
	cr_expect_eq(wt_real.unlink(one), 0);
	cr_expect_eq(wt_real.remove(other), 0);
	cr_expect_eq(access(other, F_OK), -1);
}

Test(real, remove_takes_a_directory_as_well)
{
	cr_assert_eq(mkdir(scratch_path("directory"), 0700), 0);
	cr_expect_eq(wt_real.remove(scratch_path("directory")), 0);
	cr_expect_eq(access(scratch_path("directory"), F_OK), -1);
	cr_expect_eq(wt_real.remove(scratch_path("missing")), -1);
	cr_expect_eq(errno, ENOENT);
}

Test(real, closefrom_takes_a_negative_number_for_none)
{
	int fd = fcntl(open("/", O_PATH), F_DUPFD, 900);

	wt_real.closefrom(900);
	cr_expect_eq(fcntl(fd, F_GETFD), -1);
	fd = open("/", O_PATH);
	cr_expect_geq(fd, 0);
	wt_real.closefrom(fd);
	cr_expect_eq(fcntl(fd, F_GETFD), -1);
}

/* What no system call does alone. */
Test(real, a_function_of_libc_looks_itself_up)
{
	char bytes[6] = "";
	int ends[2];

	cr_assert_eq(pipe(ends), 0);
	FILE *stream = fdopen(ends[1], "w");
	cr_assert_neq(ADDRESS(wt_real.fwrite), libcs("fwrite"));
	cr_expect_eq(wt_real.fwrite("bytes", 1, 5, stream), 5u);
	cr_expect_eq(ADDRESS(wt_real.fwrite), libcs("fwrite"));
	fflush(stream);
	cr_assert_eq(read(ends[0], bytes, 5), 5);
	cr_expect_str_eq(bytes, "bytes");
}

Test(real, after_the_look_up_each_is_libc_s)
{
	wt_real_resolve();
	cr_expect_eq(ADDRESS(wt_real.write), libcs("write"));
	cr_expect_eq(ADDRESS(wt_real.fsync), libcs("fsync"));
	cr_expect_eq(ADDRESS(wt_real.renameat2), libcs("renameat2"));
	cr_expect_eq(ADDRESS(wt_real.dlopen), libcs("dlopen"));
	cr_expect_eq(ADDRESS(wt_real_at_exit), libcs("__cxa_atexit"));
	cr_expect_not(wt_real_is_behind(libcs("write")));
}

Test(real, the_loader_s_functions_alone_can_be_looked_up)
{
	void *before = ADDRESS(wt_real.write);

	wt_real_resolve_loader();
	cr_expect_eq(ADDRESS(wt_real.dlsym), libcs("dlsym"));
	cr_expect_eq(ADDRESS(wt_real.write), before);
}

/* Without liburing the program calls none of these, and libwt's own copy stays. */
Test(real, without_liburing_its_functions_are_libwt_s_own)
{
	void *before = ADDRESS(wt_real.io_uring_submit);

	wt_real_resolve();
	cr_expect_not(wt_real_has_liburing());
	cr_expect_eq(ADDRESS(wt_real.io_uring_submit), before);
}

/* Moves a loaded library behind another one in the loader's order. */
static void move_behind(struct link_map *map, struct link_map *before)
{
	map->l_prev->l_next = map->l_next;
	if (map->l_next)
		map->l_next->l_prev = map->l_prev;
	map->l_next = before->l_next;
	map->l_prev = before;
	before->l_next->l_prev = map;
	before->l_next = map;
}

/* It has a function of its own for each name. */
static void *library_of_the_same_names(void)
{
	char path[PATH_MAX];
	ssize_t len = readlink("/proc/self/exe", path, sizeof(path) - 32);

	cr_assert_gt(len, 0);
	path[len] = '\0';
	strcpy(strrchr(path, '/'), "/prog/stolen_code.so");
	void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
	if (!library)
		cr_skip_test("not built: %s", path);
	return library;
}

/* The program's own tables stand in libwt's place. */
Test(real, a_library_preloaded_behind_libwt_is_asked_before_libc)
{
	void *library = library_of_the_same_names();

	move_behind(library, _r_debug.r_map);
	wt_real_resolve();
	cr_expect_eq(ADDRESS(wt_real.write), dlsym(library, "write"));
	cr_expect(wt_real_is_behind(dlsym(library, "write")));
	cr_expect_not(wt_real_is_behind(libcs("write")));
}

Test(real, a_library_of_the_program_s_is_never_asked)
{
	struct link_map *libc = dlopen("libc.so.6", RTLD_LAZY | RTLD_NOLOAD);

	cr_assert_not_null(libc);
	move_behind(library_of_the_same_names(), libc->l_prev);
	wt_real_resolve();
	cr_expect_eq(ADDRESS(wt_real.write), libcs("write"));
	cr_expect_not(wt_real_is_behind(libcs("write")));
}
