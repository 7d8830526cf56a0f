/* SPDX-License-Identifier: MIT */
/*
 * The writeback engine: what it waits for after the copy, and what it makes good. Its
 * sync_file_range is counted and can fail; the file is real.
 */
#define _GNU_SOURCE
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/base.h"
#include "engine_bed.h"
#include "os/real.h"
#include "os/sys.h"
#include "state/config.h"

TestSuite(writeback, .init = bed_make);

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
