/* SPDX-License-Identifier: MIT */
/* The descriptor table: a verdict is found again, replaced, and forgotten, whatever the number. */
#define _GNU_SOURCE
#include <criterion/criterion.h>
#include <limits.h>

#include "core/resolve.h"
#include "state/fdtable.h"

static const union wt_verdict ruled = { .state = WT_RULED, .rule = 7, .engine = 3 };
static const union wt_verdict no_rule = { .state = WT_NO_RULE };

Test(fdtable, nothing_is_known_of_a_number_never_seen)
{
	cr_assert_eq(wt_fdtable_get(5).word, 0);
	cr_assert_eq(wt_fdtable_get(-1).word, 0);
	cr_assert_eq(wt_fdtable_get(INT_MAX).word, 0);
	cr_assert_null(wt_fdtable_entry(5), "looking maps no memory");
}

Test(fdtable, a_verdict_is_found_again)
{
	static const int fds[] = { 0, 255, 256, 65535, WT_FD_CHUNK * WT_FD_CHUNKS - 1 };

	for (size_t i = 0; i < WT_LENGTH(fds); i++) {
		wt_fdtable_set(fds[i], ruled, 1);
		cr_assert_eq(wt_fdtable_get(fds[i]).word, ruled.word, "fd %d", fds[i]);
	}
}

Test(fdtable, a_number_past_the_table_is_looked_at_each_time)
{
	wt_fdtable_set(INT_MAX, ruled, 1);
	wt_fdtable_learn(-1, ruled, 1);
	cr_assert_eq(wt_fdtable_get(INT_MAX).word, 0);
	cr_assert_eq(wt_fdtable_get(-1).word, 0);
}

Test(fdtable, learning_does_not_overwrite_a_newer_descriptor)
{
	wt_fdtable_set(9, no_rule, 1);
	wt_fdtable_learn(9, ruled, 1);
	cr_assert_eq(wt_fdtable_get(9).word, no_rule.word);
	wt_fdtable_forget(9);
	wt_fdtable_learn(9, ruled, 1);
	cr_assert_eq(wt_fdtable_get(9).word, ruled.word);
}

Test(fdtable, a_new_descriptor_starts_with_nothing_on_its_way_and_another_generation)
{
	wt_fdtable_set(4, ruled, 1);
	struct wt_fd *entry = wt_fdtable_entry(4);
	uint64_t generation = entry->generation;

	entry->started_bytes = 4096;
	wt_fdtable_set(4, ruled, 1);
	cr_assert_eq(entry->started_bytes, 0);
	cr_assert_neq(entry->generation, generation);
}

Test(fdtable, a_range_is_forgotten_with_both_ends)
{
	static const int fds[] = { 3, 4, 300, 301, 100000 };

	for (size_t i = 0; i < WT_LENGTH(fds); i++)
		wt_fdtable_set(fds[i], ruled, 1);
	wt_fdtable_forget_range(4, 300);
	cr_assert_eq(wt_fdtable_get(3).word, ruled.word);
	cr_assert_eq(wt_fdtable_get(4).word, 0);
	cr_assert_eq(wt_fdtable_get(300).word, 0);
	cr_assert_eq(wt_fdtable_get(301).word, ruled.word);
	wt_fdtable_forget_range(0, UINT_MAX);
	cr_assert_eq(wt_fdtable_get(3).word, 0);
	cr_assert_eq(wt_fdtable_get(100000).word, 0);
}

Test(fdtable, a_duplicate_takes_the_verdict_over_and_drops_its_old_one)
{
	wt_fdtable_set(3, ruled, 1);
	wt_fdtable_set(4, no_rule, 1);
	wt_resolve_duplicated(3, 4);
	cr_assert_eq(wt_fdtable_get(4).word, ruled.word);
	wt_resolve_duplicated(500, 3);
	cr_assert_eq(wt_fdtable_get(3).word, 0);
}
