/* SPDX-License-Identifier: MIT */
/* What the engines share: a file that has no sync, and one that is none any more. */
#define _GNU_SOURCE
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/base.h"
#include "engine/engine.h"
#include "engine_bed.h"
#include "os/real.h"
#include "os/sys.h"
#include "state/config.h"

TestSuite(engine, .init = bed_make);

static int unknown_sync(int file)
{
	(void)file;
	return -EINVAL;
}

/* As a server answers a sync that it does not have: the bytes have been taken by then. */
static ssize_t carried_out_pwritev2(int file, const struct iovec *iov, int n, off_t offset,
				    int flags)
{
	ssize_t ret = pwritev2(file, iov, n, offset, 0);

	return ret < 0 || !flags ? ret : -EINVAL;
}

/* By each engine, with an offset and without. */
Test(engine, a_file_without_a_sync_is_written_and_named)
{
	static const struct wt_engine *const engines[] = { &wt_engine_dsync, &wt_engine_writeback };
	struct wt_outcome outcome;

	wt_sys.fsync = wt_sys.fdatasync = unknown_sync;
	wt_sys.pwritev2 = carried_out_pwritev2;
	for (size_t i = 0; i < WT_LENGTH(engines); i++) {
		for (int level = WT_LEVEL_THROUGH; level <= WT_LEVEL_SYNC; level++) {
			bed.rule.level = level;
			bed.fs.refused = 0;
			bed.range_sync.answer = -EINVAL;
			cr_expect_eq(bed_write(engines[i], WT_PWRITE, 100, 0, &outcome), 100);
			cr_expect_eq(outcome.uncovered, WT_WHY_NO_SYNC);
			bed.fs.refused = 0;
			cr_expect_eq(bed_write(engines[i], WT_WRITE, 100, WT_OFFSET_NONE, &outcome),
				     100);
			cr_expect_eq(outcome.uncovered, WT_WHY_NO_SYNC);
		}
	}
}

Test(engine, a_file_without_a_sync_is_an_error_under_strict)
{
	struct wt_outcome outcome;

	wt_sys.fsync = wt_sys.fdatasync = unknown_sync;
	wt_config.strict = true;
	bed.rule.level = WT_LEVEL_DSYNC;
	cr_expect_eq(bed_write(&wt_engine_dsync, WT_WRITE, 100, WT_OFFSET_NONE, &outcome), -EIO);
}

Test(engine, a_number_that_became_a_device_unseen_is_left_alone)
{
	struct wt_outcome outcome;

	bed.fd = open("/dev/null", O_WRONLY);
	bed.range_sync.answer = -EINVAL;
	cr_assert_eq(bed_write(&wt_engine_writeback, WT_PWRITE, 100, 0, &outcome), 100);
	cr_assert(outcome.stale);
	cr_assert_eq(bed.fs.refused, 0u, "that says nothing of the file system");

	wt_sys.pwritev2 = bed_refused_pwritev2;
	cr_assert_eq(bed_write(&wt_engine_dsync, WT_PWRITE, 100, 0, &outcome), 100);
	cr_assert(outcome.stale);
	cr_assert_eq(bed_write(&wt_engine_dsync, WT_WRITE, 100, WT_OFFSET_NONE, &outcome), 100);
	cr_assert(outcome.stale);
	cr_assert_eq(bed.fs.refused, 0u);
}
