/* SPDX-License-Identifier: MIT */
/* File systems are told apart although device numbers are given out again. */
#define _GNU_SOURCE
#include <criterion/criterion.h>
#include <errno.h>
#include <linux/magic.h>
#include <string.h>
#include <sys/statvfs.h>

#include "os/sys.h"
#include "state/filesystem.h"

static struct statfs answer;

static int answered_fstatfs(int fd, struct statfs *fs)
{
	(void)fd;
	*fs = answer;
	return 0;
}

static int mounted(uint32_t magic, uint64_t fsid, dev_t dev)
{
	memset(&answer, 0, sizeof(answer));
	answer.f_type = magic;
	memcpy(&answer.f_fsid, &fsid, sizeof(fsid));
	wt_sys.fstatfs = answered_fstatfs;
	return wt_filesystem_of(0, dev);
}

Test(filesystem, the_same_one_is_found_again)
{
	int first = mounted(EXT4_SUPER_MAGIC, 1, 10);

	cr_assert_eq(mounted(EXT4_SUPER_MAGIC, 1, 10), first);
	cr_assert_str_eq(wt_filesystem_at(first)->kind->name, "ext4");
}

Test(filesystem, a_device_number_given_out_again_is_another)
{
	int tmpfs = mounted(TMPFS_MAGIC, 1, 42);
	int fuse = mounted(FUSE_SUPER_MAGIC, 1, 42);
	int other_fuse = mounted(FUSE_SUPER_MAGIC, 2, 42);

	cr_assert_neq(tmpfs, fuse);
	cr_assert_neq(fuse, other_fuse);
	cr_assert(wt_filesystem_at(tmpfs)->kind->flags & WT_FS_NO_DISK);
	cr_assert_not(wt_filesystem_at(fuse)->kind->flags & WT_FS_NO_DISK);
}

Test(filesystem, a_refusal_is_remembered_for_one_alone)
{
	int one = mounted(EXT4_SUPER_MAGIC, 1, 1), two = mounted(EXT4_SUPER_MAGIC, 2, 2);

	wt_filesystem_refuse(wt_filesystem_at(one), WT_REFUSED_RANGE_SYNC);
	cr_assert(wt_filesystem_refused(wt_filesystem_at(one), WT_REFUSED_RANGE_SYNC));
	cr_assert_not(wt_filesystem_refused(wt_filesystem_at(two), WT_REFUSED_RANGE_SYNC));
}

/* What was read-only from the start is not one that failed; what has been writable since may be. */
Test(filesystem, whether_it_ever_was_writable_is_remembered)
{
	int fs = mounted(EXT4_SUPER_MAGIC, 1, 1);

	cr_assert_eq(wt_filesystem_at(fs)->read_only, 0);
	wt_filesystem_at(fs)->read_only = 1;
	answer.f_flags = ST_RDONLY;
	cr_assert_eq(wt_filesystem_of(0, 1), fs);
	cr_assert_eq(wt_filesystem_at(fs)->read_only, 1);
	answer.f_flags = 0;
	cr_assert_eq(wt_filesystem_of(0, 1), fs);
	cr_assert_eq(wt_filesystem_at(fs)->read_only, 0);
}

Test(filesystem, past_the_table_nothing_is_assumed)
{
	int last = 0;

	for (int i = 0; i < 200; i++)
		last = mounted(EXT4_SUPER_MAGIC, i, i);
	cr_assert_eq(wt_filesystem_at(last)->kind->flags,
		     WT_FS_ONE_SYNC | WT_FS_JOURNAL_STAT | WT_FS_JOURNAL_TRANSACTION,
		     "no ability, and what may go wrong anywhere");
	cr_assert_eq(wt_filesystem_at(9999), wt_filesystem_at(last));
}

static int open_error;

static int failing_open(const char *path, int flags, mode_t mode)
{
	(void)path, (void)flags, (void)mode;
	return open_error;
}

Test(filesystem, what_could_not_be_seen_for_want_of_a_descriptor_is_not_remembered)
{
	wt_sys.open = failing_open;
	open_error = -EMFILE;
	cr_assert_eq(wt_filesystem_at(mounted(EXT4_SUPER_MAGIC, 7, 7)), wt_filesystem_at(9999));
	open_error = -ENOENT;
	cr_assert_neq(wt_filesystem_at(mounted(EXT4_SUPER_MAGIC, 7, 7)), wt_filesystem_at(9999));
}

Test(filesystem, one_is_known_once_a_file_of_it_has_a_rule)
{
	mounted(EXT4_SUPER_MAGIC, 1, 10);
	cr_assert(wt_filesystem_is_known(0));
	answer.f_type = TMPFS_MAGIC;
	cr_assert_not(wt_filesystem_is_known(0));
}
