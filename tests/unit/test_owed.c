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
#include "state/owed.h"

#define NUMBER 77u

static int fd;

static void setup(void)
{
	cr_assert_eq(wt_owed_init(), 0);
	scratch_make();
	fd = open(scratch_path("file"), O_RDWR | O_CREAT, 0600);
	cr_assert_geq(fd, 0);
}

TestSuite(owed, .init = setup, .fini = scratch_remove);

Test(owed, once_and_to_the_description_alone)
{
	cr_assert_not(wt_owed_any());
	cr_assert_eq(wt_owed_settle(fd, NUMBER), 0);
	wt_owed_to(NUMBER, -EIO);
	cr_assert(wt_owed_any());
	wt_owed_to(NUMBER, -ENOSPC);
	cr_assert_eq(wt_owed_settle(fd, NUMBER + 1), 0);
	cr_assert_eq(wt_owed_settle(fd, NUMBER), -ENOSPC, "the latest of two");
	cr_assert_eq(wt_owed_settle(fd, NUMBER), 0);
}

Test(owed, an_error_in_a_forked_process_is_owed_here)
{
	pid_t child = fork();

	if (!child) {
		wt_owed_to(NUMBER, -EIO);
		_exit(0);
	}
	waitpid(child, NULL, 0);
	cr_assert_eq(wt_owed_settle(fd, NUMBER), -EIO);
}

Test(owed, what_is_opened_later_is_told_until_somebody_was)
{
	wt_owed_to_later(fd, -EIO);
	wt_owed_opened(fd, NUMBER);
	wt_owed_opened(fd, NUMBER + 1);
	cr_assert_eq(wt_owed_settle(fd, NUMBER), -EIO);
	wt_owed_told(fd);
	wt_owed_opened(fd, NUMBER + 2);
	cr_assert_eq(wt_owed_settle(fd, NUMBER + 1), -EIO, "it was opened before that");
	cr_assert_eq(wt_owed_settle(fd, NUMBER + 2), 0);
}

Test(owed, an_opening_that_was_not_seen_is_told)
{
	wt_owed_to_later(fd, -EIO);
	cr_assert_eq(wt_owed_settle(fd, 0), -EIO);
	wt_owed_told(fd);
	cr_assert_eq(wt_owed_settle(fd, 0), 0);
}

/* ext4 gives an inode number away at once. */
Test(owed, nothing_to_another_file_with_the_same_inode_number)
{
	struct stat before, after = { 0 };

	wt_owed_to_later(fd, -EIO);
	cr_assert_eq(fstat(fd, &before), 0);
	for (int i = 0; i < 100 && after.st_ino != before.st_ino; i++) {
		close(fd);
		cr_assert_eq(unlink(scratch_path("file")), 0);
		fd = open(scratch_path("file"), O_RDWR | O_CREAT | O_EXCL, 0600);
		cr_assert_eq(fstat(fd, &after), 0);
	}
	if (after.st_ino != before.st_ino)
		cr_skip_test("this machine: its file system gives no inode number away again");
	cr_assert_eq(wt_owed_settle(fd, 0), 0);
}

/* Keys that meet in the table: what is closed makes room, and nothing else. */
Test(owed, what_is_closed_makes_room_for_others)
{
	uint64_t step = 4096;

	for (uint64_t i = 1; i <= 64; i++)
		wt_owed_to(i * step, -EIO);
	wt_owed_closed(3 * step);
	cr_assert_eq(wt_owed_settle(fd, 3 * step), -EIO, "another process may have it");
	wt_owed_to(3 * step, -EIO);
	wt_owed_closed(3 * step);
	wt_owed_to(65 * step, -ENOSPC);
	cr_assert_eq(wt_owed_settle(fd, 65 * step), -ENOSPC);
	cr_assert_eq(wt_owed_settle(fd, 3 * step), 0);
	cr_assert_eq(wt_owed_settle(fd, 64 * step), -EIO);
}
