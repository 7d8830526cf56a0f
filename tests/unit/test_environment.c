/* SPDX-License-Identifier: MIT */
/*
 * What an executed program is given of libwt's variables: this process's environment and the one
 * that is given are each a list of the test's. This program has libwt's name for it.
 */
#define _GNU_SOURCE
#include <criterion/criterion.h>
#include <link.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/base.h"
#include "child.h"
#include "os/sys.h"
#include "state/environment.h"

#define MOST 16

static struct wt_environment environment;
static char *own[MOST];

static void setup(void)
{
	_r_debug.r_map->l_name = "/usr/lib/libwt.so";
}

TestSuite(environment, .init = setup);

/* As the process had it at its start; NULL ends the list. */
static void begin(const char *first, ...)
{
	va_list rest;
	size_t len = 0;

	va_start(rest, first);
	for (const char *at = first; at; at = va_arg(rest, const char *))
		own[len++] = (char *)at;
	va_end(rest);
	own[len] = NULL;
	environ = own;
	wt_environment_init();
}

/* Its strings, in any order, and no others. */
static void expect_list(char *const *list, const char *const *expected)
{
	size_t len = 0, expected_len = 0;

	for (; list[len]; len++) {
		size_t at = 0;

		while (expected[at] && strcmp(expected[at], list[len]))
			at++;
		cr_expect(expected[at], "%s", list[len]);
	}
	while (expected[expected_len])
		expected_len++;
	cr_expect_eq(len, expected_len);
}

#define LIST(...)                                                                                  \
	(const char *const[])                                                                      \
	{                                                                                          \
		__VA_ARGS__, NULL                                                                  \
	}

/* In no more room than was asked for. */
static void expect_made(size_t size, const char *const *expected)
{
	cr_assert_gt(size, 0u);
	char *room = malloc(size + 8);

	memset(room + size, 'x', 8);
	expect_list(wt_environment_make(&environment, room), expected);
	cr_expect_eq(memcmp(room + size, "xxxxxxxx", 8), 0);
	free(room);
}

static size_t bytes_for(const char *const *given)
{
	return wt_environment_bytes(&environment, (char *const *)given);
}

Test(environment, of_the_program_s_own_nothing_is_changed)
{
	begin("LD_PRELOAD=/usr/lib/libwt.so", "WT_POLICY=*=sync", NULL);
	cr_expect_eq(wt_environment_bytes(&environment, environ), 0u);
	cr_expect_eq(environment.lacks, WT_LACKS_NOTHING);
}

Test(environment, one_built_for_a_child_is_given_libwt_and_its_variables)
{
	begin("LD_PRELOAD=/usr/lib/libwt.so", "WT_POLICY=*=sync", "WT_LOG=info", "HOME=/root",
	      NULL);
	expect_made(bytes_for(LIST("PATH=/bin", "LANG=C")),
		    LIST("PATH=/bin", "LANG=C", "LD_PRELOAD=/usr/lib/libwt.so", "WT_POLICY=*=sync",
			 "WT_LOG=info"));
	cr_expect_eq(environment.lacks, WT_LACKS_NOTHING);
}

Test(environment, of_several_preloaded_libraries_libwt_alone_is_given)
{
	begin("LD_PRELOAD=libfirst.so:/usr/$LIB/libwt.so libsecond.so", "WT_POLICY=*=sync", NULL);
	expect_made(bytes_for(LIST("PATH=/bin")),
		    LIST("PATH=/bin", "LD_PRELOAD=/usr/$LIB/libwt.so", "WT_POLICY=*=sync"));
}

Test(environment, an_empty_one_is_given_them_too)
{
	begin("LD_PRELOAD=libwt.so", "WT_POLICY=*=sync", NULL);
	expect_made(wt_environment_bytes(&environment, NULL),
		    LIST("LD_PRELOAD=libwt.so", "WT_POLICY=*=sync"));
	static const char *const empty[] = { NULL };
	expect_made(bytes_for(empty), LIST("LD_PRELOAD=libwt.so", "WT_POLICY=*=sync"));
}

static const struct {
	const char *what, *entry;
	enum wt_lack lacks;
} meant[] = {
	{ "another library", "LD_PRELOAD=libother.so", WT_LACKS_LIBRARY },
	{ "no library", "LD_PRELOAD=", WT_LACKS_LIBRARY },
	{ "rules of its own", "WT_POLICY=*=off", WT_LACKS_LIBRARY },
	{ "libwt without rules", "LD_PRELOAD=/usr/lib/libwt.so", WT_LACKS_RULES },
	{ "libwt's switch", "WT_DISABLE=1", WT_LACKS_NOTHING },
	{ "the switch that is off", "WT_DISABLE=0", WT_LACKS_LIBRARY },
};

Test(environment, one_that_names_any_of_them_stays_as_it_is)
{
	begin("LD_PRELOAD=/usr/lib/libwt.so", "WT_POLICY=*=sync", NULL);
	for (size_t i = 0; i < WT_LENGTH(meant); i++) {
		cr_expect_eq(bytes_for(LIST("PATH=/bin", meant[i].entry)), 0u, "%s", meant[i].what);
		cr_expect_eq(environment.lacks, meant[i].lacks, "%s", meant[i].what);
	}
}

/* A shell that unset them. */
Test(environment, one_s_own_with_nothing_but_them_left_out_stays_as_it_is)
{
	begin("LD_PRELOAD=/usr/lib/libwt.so", "WT_POLICY=*=sync", "HOME=/root", NULL);
	cr_expect_eq(bytes_for(LIST(own[2], "PATH=/bin")), 0u);
	cr_expect_eq(environment.lacks, WT_LACKS_LIBRARY);
}

/* Equal strings alone are no sign of it: whoever builds one copies some. */
Test(environment, a_copy_of_one_s_own_without_them_is_given_them)
{
	char home[] = "HOME=/root";

	begin("LD_PRELOAD=/usr/lib/libwt.so", "WT_POLICY=*=sync", "HOME=/root", NULL);
	expect_made(bytes_for(LIST(home)),
		    LIST("HOME=/root", "LD_PRELOAD=/usr/lib/libwt.so", "WT_POLICY=*=sync"));
}

Test(environment, where_the_process_has_left_libwt_out_so_do_its_children)
{
	begin("LD_PRELOAD=/usr/lib/libwt.so", "WT_POLICY=*=sync", NULL);
	own[0] = "LD_PRELOAD=libother.so";
	cr_expect_eq(bytes_for(LIST("PATH=/bin")), 0u);
	cr_expect_eq(environment.lacks, WT_LACKS_LIBRARY);
}

Test(environment, where_libwt_was_linked_its_variables_alone_are_given)
{
	begin("WT_POLICY=*=sync", "HOME=/root", NULL);
	expect_made(bytes_for(LIST("PATH=/bin")), LIST("PATH=/bin", "WT_POLICY=*=sync"));
	cr_expect_eq(environment.lacks, WT_LACKS_LIBRARY);
}

Test(environment, the_last_of_several_preloads_counts)
{
	begin("LD_PRELOAD=/usr/lib/libwt.so", "WT_POLICY=*=sync", NULL);
	cr_expect_eq(bytes_for(LIST("WT_POLICY=*=sync", "LD_PRELOAD=libwt.so", "LD_PRELOAD=x.so")),
		     0u);
	cr_expect_eq(environment.lacks, WT_LACKS_LIBRARY);
	bytes_for(LIST("WT_POLICY=*=sync", "LD_PRELOAD=x.so", "LD_PRELOAD=libwt.so"));
	cr_expect_eq(environment.lacks, WT_LACKS_NOTHING);
}

/* A name that ends as libwt's does is another's. */
Test(environment, libwt_is_known_by_its_whole_file_name)
{
	begin("LD_PRELOAD=/usr/lib/libwt.so", "WT_POLICY=*=sync", NULL);
	bytes_for(LIST("WT_POLICY=*=sync", "LD_PRELOAD=/usr/lib/mylibwt.so"));
	cr_expect_eq(environment.lacks, WT_LACKS_LIBRARY);
	bytes_for(LIST("WT_POLICY=*=sync", "LD_PRELOAD=/usr/lib/libwt.so.1"));
	cr_expect_eq(environment.lacks, WT_LACKS_LIBRARY);
	bytes_for(LIST("WT_POLICY=*=sync", "LD_PRELOAD=/elsewhere/libwt.so"));
	cr_expect_eq(environment.lacks, WT_LACKS_NOTHING);
}

/* The kernel is to answer for memory that is not there. */
Test(environment, one_that_is_not_there_is_left_to_the_kernel)
{
	char *pages = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	char **list = (char **)(pages + 4096) - 1;

	munmap(pages + 4096, 4096);
	begin("LD_PRELOAD=/usr/lib/libwt.so", "WT_POLICY=*=sync", NULL);
	*list = "PATH=/bin";
	cr_expect_eq(wt_environment_bytes(&environment, list), 0u);
	cr_expect(environment.is_not_there, "a list without end");
	memset(pages + 4000, 'x', 96);
	cr_expect_eq(bytes_for(LIST(pages + 4000)), 0u);
	cr_expect(environment.is_not_there, "a string without end");
	cr_expect_eq(wt_environment_bytes(&environment, (char **)(pages + 4096)), 0u);
	cr_expect(environment.is_not_there);
	cr_expect_eq(wt_environment_bytes(&environment, (char **)(pages + 1)), 0u);
	cr_expect(environment.is_not_there, "no address of pointers");
}

Test(environment, where_it_may_not_be_asked_all_is_taken_to_be_there)
{
	if (!child_refuse_call(SYS_process_vm_readv, EPERM))
		cr_skip_test("this machine: no filter of system calls");
	begin("LD_PRELOAD=/usr/lib/libwt.so", "WT_POLICY=*=sync", NULL);
	expect_made(bytes_for(LIST("PATH=/bin")),
		    LIST("PATH=/bin", "LD_PRELOAD=/usr/lib/libwt.so", "WT_POLICY=*=sync"));
}

static const char *preload_file;
static struct wt_sys real;

static int open_preload_file(const char *path, int flags, mode_t mode)
{
	if (strcmp(path, "/etc/ld.so.preload"))
		return real.open(path, flags, mode);
	int fd = memfd_create("preload", MFD_CLOEXEC);
	cr_assert_eq(write(fd, preload_file, strlen(preload_file)), (ssize_t)strlen(preload_file));
	lseek(fd, 0, SEEK_SET);
	return fd;
}

static const struct {
	const char *file;
	enum wt_lack lacks;
} preload_files[] = {
	{ "/usr/lib/libwt.so\n", WT_LACKS_NOTHING },
	{ "# for all\n/usr/lib/libother.so\t/usr/lib/libwt.so # libwt\n", WT_LACKS_NOTHING },
	{ "/usr/lib/libother.so:libwt.so", WT_LACKS_NOTHING },
	{ "# /usr/lib/libwt.so\n", WT_LACKS_LIBRARY },
	{ "/usr/lib/libwt.so.bak\n", WT_LACKS_LIBRARY },
	{ "", WT_LACKS_LIBRARY },
};

Test(environment, where_libwt_comes_to_all_none_lacks_it)
{
	real = wt_sys;
	wt_sys.open = open_preload_file;
	for (size_t i = 0; i < WT_LENGTH(preload_files); i++) {
		preload_file = preload_files[i].file;
		begin("WT_POLICY=*=sync", NULL);
		bytes_for(LIST("PATH=/bin", "WT_POLICY=*=sync"));
		cr_expect_eq(environment.lacks, preload_files[i].lacks, "%s", preload_file);
	}
}

static void expect_without(const char *const *given, const char *const *expected)
{
	cr_expect_eq(bytes_for(given), 0u);
	expect_made(wt_environment_bytes_without(&environment, (char *const *)given), expected);
}

Test(environment, libwt_alone_is_taken_out_for_a_program_that_it_would_kill)
{
	begin("LD_PRELOAD=/usr/lib/libwt.so", "WT_POLICY=*=sync", NULL);
	expect_without(LIST("PATH=/bin", "LD_PRELOAD=/usr/lib/libwt.so", "WT_LOG=info"),
		       LIST("PATH=/bin", "WT_LOG=info"));
	expect_without(LIST("LD_PRELOAD=first.so:/usr/lib/libwt.so second.so"),
		       LIST("LD_PRELOAD=first.so:second.so"));
	expect_without(LIST("LD_PRELOAD=libwt.so:a.so:./libwt.so"), LIST("LD_PRELOAD=a.so:"));
}

Test(environment, without_libwt_in_it_nothing_is_taken_out)
{
	static const char *const given[] = { "LD_PRELOAD=libother.so", "PATH=/bin", NULL };

	begin("LD_PRELOAD=/usr/lib/libwt.so", "WT_POLICY=*=sync", NULL);
	bytes_for(given);
	cr_expect_eq(wt_environment_bytes_without(&environment, (char *const *)given), 0u);
}

Test(environment, the_library_is_where_the_loader_found_it)
{
	cr_expect_str_eq(wt_environment_library(), "/usr/lib/libwt.so");
}
