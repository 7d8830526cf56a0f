/* SPDX-License-Identifier: MIT */
/* The dsync engine: one call where that tells all, and two where it would not. */
#define _GNU_SOURCE
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/base.h"
#include "engine_bed.h"
#include "os/real.h"
#include "os/sys.h"
#include "state/config.h"

TestSuite(dsync, .init = bed_make);

Test(dsync, without_rwf_dsync_the_file_is_synced)
{
	struct wt_outcome outcome;

	wt_sys.pwritev2 = bed_refused_pwritev2;
	bed.rule.level = WT_LEVEL_DSYNC;
	cr_assert_eq(bed_write(&wt_engine_dsync, WT_PWRITE, 100, 0, &outcome), 100);
	cr_assert_eq(bed.fdatasyncs, 1);
	cr_assert_eq(outcome.fell, WT_WHY_NO_RWF_DSYNC);
	bed.rule.level = WT_LEVEL_SYNC;
	cr_assert_eq(bed_write(&wt_engine_dsync, WT_PWRITE, 100, 0, &outcome), 100);
	cr_assert_eq(bed.fsyncs, 1, "sync needs all metadata");
}

/* EINVAL is the program's where its own arguments are wrong. */
Test(dsync, a_bad_argument_is_no_file_without_a_sync)
{
	struct wt_outcome outcome;

	bed.rule.level = WT_LEVEL_DSYNC;
	cr_expect_eq(bed_write(&wt_engine_dsync, WT_PWRITE, 100, -5, &outcome), -EINVAL);
	cr_expect_eq(outcome.uncovered, WT_WHY_NONE);
	cr_expect_eq(outcome.fell, WT_WHY_NONE);
}

Test(dsync, an_io_error_of_rwf_dsync_is_returned)
{
	struct wt_outcome outcome;

	wt_sys.pwritev2 = bed_failing_pwritev2;
	bed.rule.level = WT_LEVEL_DSYNC;
	cr_assert_eq(bed_write(&wt_engine_dsync, WT_PWRITE, 100, 4096, &outcome), -EIO);
	cr_assert_eq(bed.fdatasyncs, 0);
	cr_assert(outcome.waited);
	cr_assert_eq(outcome.start, 4096);
}
