/* SPDX-License-Identifier: MIT */
/* Which errors an fsync is still to be told. */
#define _GNU_SOURCE
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "scratch.h"
#include "state/pending_error.h"

#define NUMBER 77u

static int fd;

static void setup(void)
{
	cr_assert_eq(wt_pending_error_init(), 0);
	scratch_make();
	fd = open(scratch_path("file"), O_RDWR | O_CREAT, 0600);
	cr_assert_geq(fd, 0);
}

TestSuite(pending, .init = setup, .fini = scratch_remove);

Test(pending, once_and_to_the_description_alone)
{
	cr_assert_not(wt_pending_error_any());
	cr_assert_eq(wt_pending_error_take(fd, NUMBER), 0);
	wt_pending_error_keep(NUMBER, -EIO);
	cr_assert(wt_pending_error_any());
	wt_pending_error_keep(NUMBER, -ENOSPC);
	cr_assert_eq(wt_pending_error_take(fd, NUMBER + 1), 0);
	cr_assert_eq(wt_pending_error_take(fd, NUMBER), -ENOSPC, "the latest of two");
	cr_assert_eq(wt_pending_error_take(fd, NUMBER), 0);
}

Test(pending, an_error_in_a_forked_process_is_owed_here)
{
	pid_t child = fork();

	if (!child) {
		wt_pending_error_keep(NUMBER, -EIO);
		_exit(0);
	}
	waitpid(child, NULL, 0);
	cr_assert_eq(wt_pending_error_take(fd, NUMBER), -EIO);
}

Test(pending, what_is_opened_later_is_told_until_somebody_was)
{
	wt_pending_error_keep_for_later(fd, -EIO);
	wt_pending_error_opened(fd, NUMBER);
	wt_pending_error_opened(fd, NUMBER + 1);
	cr_assert_eq(wt_pending_error_take(fd, NUMBER), -EIO);
	wt_pending_error_told(fd);
	wt_pending_error_opened(fd, NUMBER + 2);
	cr_assert_eq(wt_pending_error_take(fd, NUMBER + 1), -EIO, "it was opened before that");
	cr_assert_eq(wt_pending_error_take(fd, NUMBER + 2), 0);
}

Test(pending, an_opening_that_was_not_seen_is_told)
{
	wt_pending_error_keep_for_later(fd, -EIO);
	cr_assert_eq(wt_pending_error_take(fd, 0), -EIO);
	wt_pending_error_told(fd);
	cr_assert_eq(wt_pending_error_take(fd, 0), 0);
}

/* ext4 gives an inode number away at once. */
Test(pending, nothing_to_another_file_with_the_same_inode_number)
{
	struct stat before, after = { 0 };

	wt_pending_error_keep_for_later(fd, -EIO);
	cr_assert_eq(fstat(fd, &before), 0);
	for (int i = 0; i < 100 && after.st_ino != before.st_ino; i++) {
		close(fd);
		cr_assert_eq(unlink(scratch_path("file")), 0);
		fd = open(scratch_path("file"), O_RDWR | O_CREAT | O_EXCL, 0600);
		cr_assert_eq(fstat(fd, &after), 0);
	}
	if (after.st_ino != before.st_ino)
		cr_skip_test("this machine: its file system gives no inode number away again");
	cr_assert_eq(wt_pending_error_take(fd, 0), 0);
}

/* Keys that meet in the table: what is closed makes room, and nothing else. */
Test(pending, what_is_closed_makes_room_for_others)
{
	uint64_t step = 4096;

	for (uint64_t i = 1; i <= 64; i++)
		wt_pending_error_keep(i * step, -EIO);
	wt_pending_error_closed(3 * step);
	cr_assert_eq(wt_pending_error_take(fd, 3 * step), -EIO, "another process may have it");
	wt_pending_error_keep(3 * step, -EIO);
	wt_pending_error_closed(3 * step);
	wt_pending_error_keep(65 * step, -ENOSPC);
	cr_assert_eq(wt_pending_error_take(fd, 65 * step), -ENOSPC);
	cr_assert_eq(wt_pending_error_take(fd, 3 * step), 0);
	cr_assert_eq(wt_pending_error_take(fd, 64 * step), -EIO);
}
