/* SPDX-License-Identifier: MIT */
/* The dsync engine: one call where that tells all, and two where it would not. */
#define _GNU_SOURCE
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/base.h"
#include "engine/engine.h"
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

static int flags_seen;

static ssize_t note_flags(int fd, const struct iovec *iov, int n, off_t offset, int flags)
{
	flags_seen = flags;
	return pwritev2(fd, iov, n, offset, flags);
}

Test(dsync, one_call_says_how_strong_it_is_to_be)
{
	static const struct {
		enum wt_level level;
		bool may_be_inline;
		int flags;
	} cases[] = {
		{ WT_LEVEL_THROUGH, false, RWF_DSYNC },
		{ WT_LEVEL_DSYNC, false, RWF_DSYNC },
		{ WT_LEVEL_DSYNC, true, RWF_SYNC },
		{ WT_LEVEL_SYNC, false, RWF_SYNC },
	};
	char bytes[100] = "";
	struct iovec iov = { bytes, sizeof(bytes) };
	struct wt_io io = { WT_PWRITE, bed.fd, 1, 0, { &iov }, 0 };
	struct wt_target target = bed_target(&io);

	wt_sys.pwritev2 = note_flags;
	for (size_t i = 0; i < WT_LENGTH(cases); i++) {
		struct wt_outcome outcome = { 0 };

		bed.rule.level = cases[i].level;
		target.may_be_inline = cases[i].may_be_inline;
		cr_expect_eq(wt_engine_dsync.write(&target, &io, &outcome), 100);
		cr_expect_eq(flags_seen, cases[i].flags, "case %zu", i);
		cr_expect_not(outcome.in_two_calls);
	}
	cr_expect_eq(bed.fdatasyncs + bed.fsyncs, 0);
}

/* After an error it must be known where the bytes went. */
Test(dsync, a_write_that_moves_an_offset_is_copied_and_synced)
{
	struct wt_outcome outcome;

	wt_sys.pwritev2 = bed_failing_pwritev2;
	bed.rule.level = WT_LEVEL_DSYNC;
	lseek(bed.fd, 4096, SEEK_SET);
	cr_expect_eq(bed_write(&wt_engine_dsync, WT_WRITE, 100, WT_OFFSET_NONE, &outcome), 100);
	cr_expect_eq(bed.fdatasyncs, 1);
	cr_expect(outcome.in_two_calls);
	cr_expect_eq(outcome.start, 4096);
	cr_expect_eq(outcome.copied, 100u);
	fcntl(bed.fd, F_SETFL, O_APPEND);
	cr_expect_eq(bed_write(&wt_engine_dsync, WT_PWRITE, 100, 0, &outcome), 100);
	cr_expect_eq(bed.fdatasyncs, 2);
	cr_expect_eq(outcome.start, 4196, "where the file ended");
}

static ssize_t forbidden_pwritev2(int fd, const struct iovec *iov, int n, off_t offset, int flags)
{
	(void)fd, (void)iov, (void)n, (void)offset, (void)flags;
	return -EPERM;
}

Test(dsync, a_call_that_a_sandbox_forbids_is_made_good)
{
	struct wt_outcome outcome;

	wt_sys.pwritev2 = forbidden_pwritev2;
	bed.rule.level = WT_LEVEL_DSYNC;
	cr_expect_eq(bed_write(&wt_engine_dsync, WT_PWRITE, 100, 0, &outcome), 100);
	cr_expect_eq(bed.fdatasyncs, 1);
	cr_expect_eq(outcome.fell, WT_WHY_NO_RWF_DSYNC);
	cr_expect_eq(bed.fs.refused, 0u, "it may be the file's answer");
}

Test(dsync, a_sealed_file_answers_for_itself)
{
	struct wt_outcome outcome;

	bed.fd = memfd_create("sealed", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	cr_assert_eq(fcntl(bed.fd, F_ADD_SEALS, F_SEAL_WRITE), 0);
	bed.rule.level = WT_LEVEL_DSYNC;
	cr_expect_eq(bed_write(&wt_engine_dsync, WT_PWRITE, 100, 0, &outcome), -EPERM);
	cr_expect_eq(outcome.fell, WT_WHY_NONE);
	cr_expect_eq(bed.fdatasyncs, 0);
}

/* Its flags may be what is refused. */
Test(dsync, a_refusal_of_the_program_s_own_flags_is_its_answer)
{
	char bytes[100] = "";
	struct iovec iov = { bytes, sizeof(bytes) };
	struct wt_io io = { WT_PWRITEV2, bed.fd, 1, RWF_NOWAIT, { &iov }, 0 };
	struct wt_target target = bed_target(&io);
	struct wt_outcome outcome = { 0 };

	wt_sys.pwritev2 = bed_refused_pwritev2;
	cr_expect_eq(wt_engine_dsync.write(&target, &io, &outcome), -EOPNOTSUPP);
	cr_expect_eq(bed.fs.refused, 0u);
}

Test(dsync, pages_are_on_the_disk_when_a_write_returns)
{
	struct wt_outcome outcome;
	char bytes[8192] = "x";

	bed_make_on_ext4();
	bed.rule.level = WT_LEVEL_DSYNC;
	cr_assert_eq(pwrite(bed.fd, bytes, sizeof(bytes), 0), (ssize_t)sizeof(bytes));
	cr_assert_neq(bed_unclean(0, 0), 0u, "the test shows nothing");
	cr_expect_eq(bed_write(&wt_engine_dsync, WT_PWRITE, 8192, 0, &outcome), 8192);
	cr_expect_eq(bed_unclean(0, 0), 0u);
	cr_expect_eq(bed.fdatasyncs, 0);
}
