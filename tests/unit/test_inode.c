/* SPDX-License-Identifier: MIT */
/* The table of files: what processes share of it, and what each has for itself. */
#define _GNU_SOURCE
#include <criterion/criterion.h>
#include <pthread.h>

#include "child.h"
#include "state/inode.h"

#define FILE_HASH 0x123456789abcdef0u

Test(inode, a_file_has_one_entry)
{
	struct wt_inode *inode = wt_inode_of(FILE_HASH);

	cr_expect_eq(wt_inode_of(FILE_HASH), inode);
	cr_expect_neq(wt_inode_of(FILE_HASH + 1), inode);
	cr_expect_eq(wt_inode_here(FILE_HASH), wt_inode_here(FILE_HASH));
	cr_expect_neq(wt_inode_here(FILE_HASH), wt_inode_here(FILE_HASH + 1));
}

static int note_error(void *unused)
{
	(void)unused;
	wt_inode_of(FILE_HASH)->errors++;
	return 0;
}

Test(inode, what_a_forked_process_notes_of_a_file_is_seen_once_it_is_shared)
{
	cr_expect_not(wt_inode_is_shared());
	child_forked(note_error, NULL);
	cr_expect_eq(wt_inode_of(FILE_HASH)->errors, 0u);
	cr_assert_eq(wt_inode_init(), 0);
	cr_expect(wt_inode_is_shared());
	child_forked(note_error, NULL);
	cr_expect_eq(wt_inode_of(FILE_HASH)->errors, 1u);
}

static int closings_here(void *unused)
{
	(void)unused;
	return wt_inode_here(FILE_HASH)->closings;
}

Test(inode, a_forked_process_has_none_of_its_parent_s_openings)
{
	wt_inode_here(FILE_HASH)->closings = 3;
	cr_expect_eq(child_forked(closings_here, NULL), 0);
	cr_expect_eq(closings_here(NULL), 3);
}

Test(inode, of_openings_nothing_is_known_before_the_first)
{
	cr_expect_null(wt_inode_here_known(FILE_HASH));
	struct wt_inode_here *here = wt_inode_here(FILE_HASH);
	cr_expect_not_null(here);
	cr_expect_eq(wt_inode_here_known(FILE_HASH), here);
}

static pthread_barrier_t start;

static void *find(void *unused)
{
	(void)unused;
	pthread_barrier_wait(&start);
	return wt_inode_here(FILE_HASH);
}

Test(inode, threads_that_need_it_at_once_find_the_same)
{
	pthread_t threads[8];
	void *found;

	pthread_barrier_init(&start, NULL, 8);
	for (int i = 0; i < 8; i++)
		cr_assert_eq(pthread_create(&threads[i], NULL, find, NULL), 0);
	for (int i = 0; i < 8; i++) {
		pthread_join(threads[i], &found);
		cr_expect_eq(found, (void *)wt_inode_here(FILE_HASH));
	}
}
