/* SPDX-License-Identifier: MIT */
/*
 * The writeback engine: what it waits for after the copy, and what it makes good. Its
 * sync_file_range is counted and can fail; the file is real.
 */
#define _GNU_SOURCE
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/fiemap.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/base.h"
#include "engine/engine.h"
#include "engine_bed.h"
#include "os/real.h"
#include "os/sys.h"
#include "ring/private_open.h"
#include "state/config.h"

static struct wt_sys real;

static void setup(void)
{
	real = wt_sys;
	bed_make();
}

TestSuite(writeback, .init = setup);

Test(writeback, through_waits_for_the_range_it_wrote)
{
	struct wt_outcome outcome;

	cr_assert_eq(bed_write(&wt_engine_writeback, WT_PWRITE, 100, 8192, &outcome), 100);
	cr_assert_eq(bed.range_sync.calls, 1);
	cr_assert_eq(bed.range_sync.last.offset, 8192);
	cr_assert_eq(bed.range_sync.last.len_bytes, 100);
	cr_assert_eq(bed.range_sync.last_flags, 7u, "all three flags");
}

Test(writeback, through_waits_for_the_whole_file_where_the_write_has_no_offset)
{
	struct wt_outcome outcome;

	cr_assert_eq(bed_write(&wt_engine_writeback, WT_WRITE, 100, WT_OFFSET_NONE, &outcome), 100);
	cr_assert_eq(bed.range_sync.last.offset, 0);
	cr_assert_eq(bed.range_sync.last.len_bytes, 0);

	fcntl(bed.fd, F_SETFL, O_APPEND);
	cr_assert_eq(bed_write(&wt_engine_writeback, WT_PWRITE, 100, 4096, &outcome), 100);
	cr_assert_eq(bed.range_sync.last.len_bytes, 0, "pwrite appends on an O_APPEND descriptor");
}

Test(writeback, a_failed_writeback_is_the_writes_error)
{
	struct wt_outcome outcome;

	lseek(bed.fd, 4096, SEEK_SET);
	bed.range_sync.answer = -EIO;
	cr_assert_eq(bed_write(&wt_engine_writeback, WT_WRITE, 100, WT_OFFSET_NONE, &outcome),
		     -EIO);
	cr_assert(outcome.waited);
	cr_assert_eq(outcome.start, 4096);
	cr_assert_eq(outcome.copied, 100u);
	cr_assert_eq(bed.fdatasyncs, 0, "an I/O error never goes down the ladder");
	cr_assert_eq(bed.fs.refused, 0u);
}

Test(writeback, a_refused_sync_file_range_is_made_good_and_not_tried_again)
{
	static const int refusals[] = { -ENOSYS, -EPERM, -EOPNOTSUPP, -EINVAL };

	for (size_t i = 0; i < WT_LENGTH(refusals); i++) {
		struct wt_outcome outcome;

		bed.fs.refused = 0;
		bed.range_sync.answer = refusals[i];
		bed.range_sync.calls = bed.fdatasyncs = 0;
		cr_assert_eq(bed_write(&wt_engine_writeback, WT_PWRITE, 100, 0, &outcome), 100);
		cr_assert_eq(bed.fdatasyncs, 1);
		cr_assert_eq(outcome.fell, WT_WHY_NO_RANGE_SYNC);
		ssize_t again = bed_write(&wt_engine_writeback, WT_PWRITE, 100, 0, &outcome);
		cr_assert_eq(again, WT_DECLINED);
		cr_assert_eq(bed.range_sync.calls, 1);
	}
}

Test(writeback, a_large_pwrite_is_copied_in_steps_and_waited_for_whole)
{
	struct wt_outcome outcome;

	cr_assert_eq(bed_write(&wt_engine_writeback, WT_PWRITE, (4 << 20) + 5, 3, &outcome),
		     (4 << 20) + 5);
	cr_assert_gt(bed.copies, 1);
	cr_assert_eq(bed.range_sync.last.offset, 3);
	cr_assert_eq(bed.range_sync.last.len_bytes, (4 << 20) + 5);
	cr_assert_eq(bed.range_sync.last_flags, 7u);
}

Test(writeback, a_short_step_ends_the_write)
{
	struct wt_outcome outcome;

	bed.copy_limit = 1000;
	cr_assert_eq(bed_write(&wt_engine_writeback, WT_PWRITE, 4 << 20, 0, &outcome), 1000);
	cr_assert_eq(bed.copies, 1);
	cr_assert_eq(bed.range_sync.last.len_bytes, 1000);
}

Test(writeback, steps_do_not_run_into_the_file_size_limit)
{
	struct wt_outcome outcome;
	struct rlimit limit = { 2 << 20, RLIM_INFINITY };

	/* SIGXFSZ keeps its default action: the test dies where a step starts at the limit. */
	cr_assert_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
	cr_assert_eq(bed_write(&wt_engine_writeback, WT_PWRITE, 4 << 20, 0, &outcome), 2 << 20);
}

Test(writeback, async_starts_and_waits_only_past_its_window)
{
	struct wt_outcome outcome;

	bed.rule.level = WT_LEVEL_ASYNC;
	bed.rule.window_bytes = 64 << 10;
	for (int i = 0; i < 16; i++) {
		cr_assert_eq(bed_write(&wt_engine_writeback, WT_PWRITE, 4096, i * 4096, &outcome),
			     4096);
		cr_assert_not(bed.range_sync.last_flags & SYNC_FILE_RANGE_WAIT_AFTER);
	}
	cr_assert_eq(bed.range_sync.calls, 16);
	cr_assert_eq(bed.started, 64u << 10);
	cr_assert_eq(bed_write(&wt_engine_writeback, WT_PWRITE, 4096, 0, &outcome), 4096);
	cr_assert_eq(bed.range_sync.calls, 18, "one to wait for the window, one to start");
	cr_assert_eq(bed.started, 4096u);
	cr_assert_eq(bed_write(&wt_engine_writeback, WT_PWRITE, 128 << 10, 0, &outcome), 128 << 10);
	cr_assert_eq(bed.range_sync.last_flags, 7u,
		     "a write that fills the window alone is waited for");
}

Test(writeback, a_wait_on_a_private_opening_is_the_ring_s)
{
	struct wt_private_open opening;
	struct wt_outcome outcome = { .private_open = &opening };
	char bytes[100] = "";
	struct iovec iov = { bytes, sizeof(bytes) };
	struct wt_io io = { WT_PWRITE, bed.fd, 1, 0, { &iov }, 0 };
	struct wt_target target = bed_target(&io);
	enum wt_reason why = wt_private_open_get(&opening, bed.fd);

	if (why == WT_WHY_NO_RING)
		cr_skip_test("this machine: no io_uring");
	cr_assert_eq(why, WT_WHY_NONE);
	bed.range_sync.answer = -EIO;
	cr_expect_eq(wt_engine_writeback.write(&target, &io, &outcome), 100);
	cr_expect_eq(bed.range_sync.calls, 0);
	cr_expect(outcome.waited);
	cr_expect_eq(outcome.took, 0);
}

static int flags_answer;

static int fake_ioctl(int fd, unsigned long request, void *flags)
{
	(void)fd, (void)request;
	*(int *)flags = flags_answer;
	return 0;
}

/* sync_file_range(2) has no page to write there. */
Test(writeback, what_lies_in_its_inode_is_synced_whole)
{
	struct wt_outcome outcome = { 0 };
	char bytes[100] = "";
	struct iovec iov = { bytes, sizeof(bytes) };
	struct wt_io io = { WT_PWRITE, bed.fd, 1, 0, { &iov }, 0 };
	struct wt_target target = bed_target(&io);

	wt_sys.ioctl = fake_ioctl;
	flags_answer = 0x10000000; /* EXT4_INLINE_DATA_FL */
	target.may_be_inline = true;
	cr_expect_eq(wt_engine_writeback.write(&target, &io, &outcome), 100);
	cr_expect_eq(bed.fsyncs, 1);
	cr_expect_eq(bed.range_sync.calls, 0);
	flags_answer = 0;
	cr_expect_eq(wt_engine_writeback.write(&target, &io, &outcome), 100);
	cr_expect_eq(bed.fsyncs, 1);
	cr_expect_eq(bed.range_sync.calls, 1, "and no more once it has a page");
}

static struct wt_pages pages;

static int fake_cachestat(int fd, off_t offset, off_t len, struct wt_pages *answer)
{
	(void)fd, (void)offset, (void)len;
	*answer = pages;
	return 0;
}

/* btrfs with compression. */
Test(writeback, pages_that_were_only_queued_are_synced)
{
	static const struct wt_fs_kind kind = { .flags = WT_FS_WRITEBACK | WT_FS_QUEUES };
	struct wt_outcome outcome;

	bed.fs.kind = &kind;
	wt_sys.cachestat = fake_cachestat;
	cr_expect_eq(bed_write(&wt_engine_writeback, WT_PWRITE, 8192, 0, &outcome), 8192);
	cr_expect_eq(bed.fdatasyncs, 0, "clean pages are on the disk");
	pages.unclean = 1;
	cr_expect_eq(bed_write(&wt_engine_writeback, WT_PWRITE, 8192, 0, &outcome), 8192);
	cr_expect_eq(bed.fdatasyncs, 1);
	cr_expect_eq(outcome.fell, WT_WHY_QUEUED);
}

Test(writeback, a_file_so_small_that_it_lies_in_the_metadata_is_synced)
{
	static const struct wt_fs_kind kind = { .flags = WT_FS_WRITEBACK | WT_FS_QUEUES };
	struct wt_outcome outcome;

	bed.fs.kind = &kind;
	wt_sys.cachestat = fake_cachestat;
	cr_expect_eq(bed_write(&wt_engine_writeback, WT_PWRITE, 100, 0, &outcome), 100);
	cr_expect_eq(bed.fdatasyncs, 1);
	cr_expect_eq(outcome.fell, WT_WHY_NONE);
}

static struct fiemap asked;

static int fake_fiemap(int fd, struct fiemap *map)
{
	(void)fd;
	asked = *map;
	bed.range_sync.answer = -EIO;
	return 0;
}

/* By then an error that came with a neighbour's extent is there. */
Test(writeback, where_blocks_of_an_extent_fail_together_it_is_waited_for)
{
	static const struct wt_fs_kind kind = { .flags = WT_FS_WRITEBACK | WT_FS_EXTENTS };
	struct wt_outcome outcome;

	bed.fs.kind = &kind;
	wt_sys.fiemap = fake_fiemap;
	cr_expect_eq(bed_write(&wt_engine_writeback, WT_PWRITE, 100, 8192, &outcome), -EIO);
	cr_expect_eq(bed.range_sync.calls, 2);
	cr_expect_eq(asked.fm_start, 8192u);
	cr_expect_eq(asked.fm_length, 100u);
	cr_expect_eq(asked.fm_flags, (unsigned int)FIEMAP_FLAG_SYNC);
}

Test(writeback, pages_are_on_the_disk_when_a_write_returns)
{
	struct wt_outcome outcome;
	char bytes[8192] = "x";

	bed_make_on_ext4();
	wt_sys.sync_file_range = real.sync_file_range;
	cr_assert_eq(pwrite(bed.fd, bytes, sizeof(bytes), 0), (ssize_t)sizeof(bytes));
	cr_assert_neq(bed_unclean(0, 0), 0u, "the test shows nothing");
	cr_expect_eq(bed_write(&wt_engine_writeback, WT_PWRITE, 8192, 0, &outcome), 8192);
	cr_expect_eq(bed_unclean(0, 0), 0u);
}
