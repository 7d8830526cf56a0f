/* SPDX-License-Identifier: MIT */
/* What is kept of files under no rule, however many they are. */
#define _GNU_SOURCE
#include <criterion/criterion.h>
#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "report/unruled.h"

static struct wt_unruled_figures top[WT_UNRULED_TOP + 1];

static void begin(void)
{
	cr_assert_eq(wt_unruled_init(), 0);
}

TestSuite(unruled, .init = begin);

static void write_to(const char *path, uint64_t bytes)
{
	wt_unruled_wrote(wt_unruled_find(path), bytes);
}

Test(no_report, no_file_under_no_rule_has_a_place)
{
	cr_expect_eq(wt_unruled_find("/a").tag, 0);
	cr_expect_eq(wt_unruled_top(top), 0);
	cr_expect_not(wt_unruled_any());
}

Test(unruled, a_file_without_bytes_is_not_told)
{
	struct wt_unruled file = wt_unruled_find("/a");

	wt_unruled_opened(file, 100);
	wt_unruled_resized(file, 100, 0);
	cr_expect_eq(wt_unruled_top(top), 0);
	cr_expect_not(wt_unruled_any());
}

Test(unruled, writes_of_a_path_add_up)
{
	write_to("/a", 3);
	write_to("/a", 4);
	cr_expect_eq(wt_unruled_top(top), 1);
	cr_expect_str_eq(top[0].path, "/a");
	cr_expect_eq(top[0].writes, 2);
	cr_expect_eq(top[0].bytes, 7);
	cr_expect(wt_unruled_any());
}

Test(unruled, growth_counts_from_each_opening)
{
	struct wt_unruled file = wt_unruled_find("/a");

	wt_unruled_opened(file, 1000);
	wt_unruled_resized(file, 1005, 0);
	wt_unruled_closed(file);
	/* Others have made it longer meanwhile. */
	wt_unruled_opened(file, 9000);
	wt_unruled_resized(file, 9002, 0);
	wt_unruled_closed(file);
	cr_expect_eq(wt_unruled_top(top), 1);
	cr_expect_eq(top[0].bytes, 7);
	cr_expect_eq(top[0].writes, 0);
}

Test(unruled, growth_counts_once_for_two_descriptors)
{
	struct wt_unruled file = wt_unruled_find("/a");

	wt_unruled_opened(file, 0);
	wt_unruled_opened(file, 10);
	wt_unruled_resized(file, 100, 0);
	wt_unruled_closed(file);
	wt_unruled_resized(file, 100, 0);
	wt_unruled_closed(file);
	wt_unruled_top(top);
	cr_expect_eq(top[0].bytes, 100);
}

Test(unruled, a_file_that_was_cut_and_written_anew_has_grown)
{
	struct wt_unruled file = wt_unruled_find("/a");

	wt_unruled_opened(file, 100);
	wt_unruled_resized(file, 0, 0);
	wt_unruled_resized(file, 60, 0);
	wt_unruled_top(top);
	cr_expect_eq(top[0].bytes, 60);
}

Test(unruled, what_was_counted_is_told_rather_than_growth)
{
	struct wt_unruled file = wt_unruled_find("/a");

	wt_unruled_opened(file, 0);
	cr_expect(wt_unruled_wants_size(file));
	wt_unruled_resized(file, 5000, 0);
	wt_unruled_wrote(file, 7);
	cr_expect_not(wt_unruled_wants_size(file));
	wt_unruled_top(top);
	cr_expect_eq(top[0].bytes, 7);
}

Test(unruled, what_lies_in_no_file_system_has_no_place)
{
	static const char *const none[] = { "/proc/self/oom_score_adj", "/sys/kernel/x",
					    "/memfd:x (deleted)" };
	static const char *const some[] = { "/process", "/sysconfig", "/srv/proc/x",
					    "/a (deleted)" };

	for (size_t i = 0; i < sizeof(none) / sizeof(none[0]); i++)
		cr_expect_eq(wt_unruled_find(none[i]).tag, 0, "%s", none[i]);
	for (size_t i = 0; i < sizeof(some) / sizeof(some[0]); i++)
		cr_expect_neq(wt_unruled_find(some[i]).tag, 0, "%s", some[i]);
}

Test(unruled, the_largest_come_first_and_the_others_are_summed)
{
	char path[32];

	for (int i = 1; i <= 50; i++) {
		snprintf(path, sizeof(path), "/%d", i * 7919 % 51);
		write_to(path, i * 7919 % 51 * 10);
	}
	cr_expect_eq(wt_unruled_top(top), WT_UNRULED_TOP + 1);
	for (unsigned int i = 0; i < WT_UNRULED_TOP; i++)
		cr_expect_eq(top[i].bytes, (50 - i) * 10);
	cr_expect_null(top[10].path);
	cr_expect_eq(top[10].files, 40);
	cr_expect_eq(top[10].writes, 40);
	cr_expect_eq(top[10].bytes, 10 * 40 * 41 / 2);
}

Test(unruled, a_million_files_keep_the_largest_and_all_bytes)
{
	enum { FILES = 1000000 };
	uint64_t files = 0, bytes = 0, writes = 0;
	char path[64];

	for (int i = 0; i < FILES; i++) {
		snprintf(path, sizeof(path), "/srv/session/%d.tmp", i);
		write_to(path, 1 + i % 100);
		if (i % 100000 == 50) {
			snprintf(path, sizeof(path), "/srv/large-%d.dat", i / 100000);
			write_to(path, 1000 + i / 100000);
		}
	}
	cr_expect_eq(wt_unruled_top(top), WT_UNRULED_TOP + 1);
	for (unsigned int i = 0; i < WT_UNRULED_TOP; i++) {
		snprintf(path, sizeof(path), "/srv/large-%u.dat", 9 - i);
		cr_expect_str_eq(top[i].path, path);
		cr_expect_eq(top[i].bytes, 1009 - i);
	}
	for (int i = 0; i <= (int)WT_UNRULED_TOP; i++) {
		files += top[i].files;
		writes += top[i].writes;
		bytes += top[i].bytes;
	}
	cr_expect_eq(files, FILES + 10);
	cr_expect_eq(writes, FILES + 10);
	cr_expect_eq(bytes, (uint64_t)FILES / 100 * 5050 + 10045);
}

Test(unruled, a_file_that_lost_its_place_is_counted_to_the_others)
{
	struct wt_unruled file = wt_unruled_find("/idle");
	char path[32];
	uint64_t bytes = 0;

	for (int i = 0; i < 100000; i++) {
		snprintf(path, sizeof(path), "/%d", i);
		write_to(path, 5);
	}
	cr_expect(wt_unruled_wrote(file, 3));
	size_t len = wt_unruled_top(top);
	for (size_t i = 0; i < len; i++)
		bytes += top[i].bytes;
	cr_expect_eq(bytes, 500003);
}

Test(unruled, a_forked_child_begins_with_none)
{
	struct wt_unruled file = wt_unruled_find("/a");
	int status;

	wt_unruled_wrote(file, 1);
	if (!fork())
		_exit(wt_unruled_any() || wt_unruled_wrote(file, 1) || wt_unruled_top(top) ? 1 : 0);
	wait(&status);
	cr_expect_eq(status, 0);
	cr_expect(wt_unruled_wrote(file, 1));
}

Test(unruled, a_long_path_keeps_its_end)
{
	static char path[PATH_MAX];

	memset(path, 'a', sizeof(path) - 1);
	path[0] = '/';
	strcpy(path + sizeof(path) - 11, "/books.dat");
	write_to(path, 1);
	path[1] = 'b'; /* another file, though what is shown of it is the same */
	write_to(path, 2);
	cr_expect_eq(wt_unruled_top(top), 2);
	cr_expect_eq(strncmp(top[0].path, "...", 3), 0);
	cr_expect_lt(strlen(top[0].path), WT_UNRULED_PATH);
	cr_expect(strstr(top[0].path, "/books.dat"));
}

static void *write_much(void *path)
{
	for (int i = 0; i < 100000; i++)
		write_to(path, 3);
	return NULL;
}

Test(unruled, threads_count_all)
{
	pthread_t threads[4];

	for (int i = 0; i < 4; i++)
		pthread_create(&threads[i], NULL, write_much, "/a");
	for (int i = 0; i < 4; i++)
		pthread_join(threads[i], NULL);
	wt_unruled_top(top);
	cr_expect_eq(top[0].writes, 400000);
	cr_expect_eq(top[0].bytes, 1200000);
}

static void *write_to_many(void *seed)
{
	char path[32];

	for (int i = 0; i < 50000; i++) {
		snprintf(path, sizeof(path), "/%p/%d", seed, i);
		write_to(path, 1);
		write_to("/large", 100);
	}
	return NULL;
}

Test(unruled, threads_that_fill_the_table_do_not_lose_the_largest)
{
	pthread_t threads[4];
	char seeds[4];

	for (int i = 0; i < 4; i++)
		pthread_create(&threads[i], NULL, write_to_many, &seeds[i]);
	for (int i = 0; i < 4; i++)
		pthread_join(threads[i], NULL);
	wt_unruled_top(top);
	cr_expect_str_eq(top[0].path, "/large");
	cr_expect_eq(top[0].bytes, 20000000);
}

Test(unruled, what_libc_will_flush_is_growth_too)
{
	struct wt_unruled file = wt_unruled_find("/a");

	wt_unruled_opened(file, 0);
	wt_unruled_resized(file, 4096, 10);
	wt_unruled_top(top);
	cr_expect_eq(top[0].bytes, 4106);
}
