/* SPDX-License-Identifier: MIT */
/*
 * The engines under faults in the calls below them. Files are real; a call is
 * replaced in the table where a test needs it to fail, and counted.
 */
#define _GNU_SOURCE
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/base.h"
#include "engine/engine.h"
#include "os/real.h"
#include "os/sys.h"
#include "state/config.h"

static char path[] = "/var/tmp/wt-engine-XXXXXX";
static int fd;
static struct wt_rule rule;
static struct wt_filesystem fs;
static _Atomic uint64_t started;

static struct {
	int answer;
	int calls;
	struct wt_range last;
	unsigned int last_flags;
} range_sync;
static int fdatasyncs, fsyncs, copies;
static size_t copy_limit;

static int counted_range_sync(int file, off_t offset, off_t len, unsigned int flags)
{
	(void)file;
	range_sync.calls++;
	range_sync.last = (struct wt_range){ offset, len };
	range_sync.last_flags = flags;
	return range_sync.answer;
}

static int counted_fdatasync(int file)
{
	fdatasyncs++;
	return fdatasync(file) ? -errno : 0;
}

static int counted_fsync(int file)
{
	fsyncs++;
	return fsync(file) ? -errno : 0;
}

static ssize_t counted_pwrite(int file, const void *buf, size_t len, off_t offset)
{
	copies++;
	return pwrite(file, buf, copy_limit && len > copy_limit ? copy_limit : len, offset);
}

static ssize_t refused_pwritev2(int file, const struct iovec *iov, int n, off_t offset, int flags)
{
	(void)file, (void)iov, (void)n, (void)offset, (void)flags;
	return -EOPNOTSUPP;
}

static ssize_t failing_pwritev2(int file, const struct iovec *iov, int n, off_t offset, int flags)
{
	(void)file, (void)iov, (void)n, (void)offset, (void)flags;
	return -EIO;
}

static void setup(void)
{
	fd = mkstemp(path);
	cr_assert_geq(fd, 0, "%s: %s", path, strerror(errno));
	unlink(path);
	fs.kind = wt_fs_kind_of(0);
	rule = (struct wt_rule){ .level = WT_LEVEL_THROUGH, .window_bytes = WT_WINDOW_DEFAULT };
	wt_sys.sync_file_range = counted_range_sync;
	wt_sys.fdatasync = counted_fdatasync;
	wt_sys.fsync = counted_fsync;
	wt_real.pwrite = counted_pwrite;
}

TestSuite(engine, .init = setup);

static struct wt_target target_for(const struct wt_io *io)
{
	int fl = fcntl(fd, F_GETFL);

	return (struct wt_target){ .rule = &rule,
				   .fs = &fs,
				   .fl = fl,
				   .has_offset = wt_io_has_offset(io, fl),
				   .description = 1,
				   .started_bytes = &started };
}

static ssize_t write_by(const struct wt_engine *engine, enum wt_call call, size_t len, off_t offset,
			struct wt_outcome *outcome)
{
	void *buf = calloc(1, len);
	struct iovec iov = { buf, len };
	struct wt_io io = { call, fd, 1, 0, { &iov }, offset };

	struct wt_target target = target_for(&io);
	*outcome = (struct wt_outcome){ 0 };
	ssize_t ret = engine->write(&target, &io, outcome);
	free(buf);
	return ret;
}

Test(engine, through_waits_for_the_range_it_wrote)
{
	struct wt_outcome outcome;

	cr_assert_eq(write_by(&wt_engine_writeback, WT_PWRITE, 100, 8192, &outcome), 100);
	cr_assert_eq(range_sync.calls, 1);
	cr_assert_eq(range_sync.last.offset, 8192);
	cr_assert_eq(range_sync.last.len_bytes, 100);
	cr_assert_eq(range_sync.last_flags, 7u, "all three flags");
}

Test(engine, through_waits_for_the_whole_file_where_the_write_has_no_offset)
{
	struct wt_outcome outcome;

	cr_assert_eq(write_by(&wt_engine_writeback, WT_WRITE, 100, WT_OFFSET_NONE, &outcome), 100);
	cr_assert_eq(range_sync.last.offset, 0);
	cr_assert_eq(range_sync.last.len_bytes, 0);

	fcntl(fd, F_SETFL, O_APPEND);
	cr_assert_eq(write_by(&wt_engine_writeback, WT_PWRITE, 100, 4096, &outcome), 100);
	cr_assert_eq(range_sync.last.len_bytes, 0, "pwrite appends on an O_APPEND descriptor");
}

Test(engine, a_failed_writeback_is_the_writes_error)
{
	struct wt_outcome outcome;

	lseek(fd, 4096, SEEK_SET);
	range_sync.answer = -EIO;
	cr_assert_eq(write_by(&wt_engine_writeback, WT_WRITE, 100, WT_OFFSET_NONE, &outcome), -EIO);
	cr_assert(outcome.waited);
	cr_assert_eq(outcome.start, 4096);
	cr_assert_eq(outcome.copied, 100u);
	cr_assert_eq(fdatasyncs, 0, "an I/O error never goes down the ladder");
	cr_assert_eq(fs.refused, 0u);
}

Test(engine, a_refused_sync_file_range_is_made_good_and_not_tried_again)
{
	static const int refusals[] = { -ENOSYS, -EPERM, -EOPNOTSUPP, -EINVAL };

	for (size_t i = 0; i < WT_LENGTH(refusals); i++) {
		struct wt_outcome outcome;

		fs.refused = 0;
		range_sync.answer = refusals[i];
		range_sync.calls = fdatasyncs = 0;
		cr_assert_eq(write_by(&wt_engine_writeback, WT_PWRITE, 100, 0, &outcome), 100);
		cr_assert_eq(fdatasyncs, 1);
		cr_assert_eq(outcome.fell, WT_WHY_NO_RANGE_SYNC);
		ssize_t again = write_by(&wt_engine_writeback, WT_PWRITE, 100, 0, &outcome);
		cr_assert_eq(again, WT_DECLINED);
		cr_assert_eq(range_sync.calls, 1);
	}
}

Test(engine, a_large_pwrite_is_copied_in_steps_and_waited_for_whole)
{
	struct wt_outcome outcome;

	cr_assert_eq(write_by(&wt_engine_writeback, WT_PWRITE, (4 << 20) + 5, 3, &outcome),
		     (4 << 20) + 5);
	cr_assert_gt(copies, 1);
	cr_assert_eq(range_sync.last.offset, 3);
	cr_assert_eq(range_sync.last.len_bytes, (4 << 20) + 5);
	cr_assert_eq(range_sync.last_flags, 7u);
}

Test(engine, a_short_step_ends_the_write)
{
	struct wt_outcome outcome;

	copy_limit = 1000;
	cr_assert_eq(write_by(&wt_engine_writeback, WT_PWRITE, 4 << 20, 0, &outcome), 1000);
	cr_assert_eq(copies, 1);
	cr_assert_eq(range_sync.last.len_bytes, 1000);
}

Test(engine, steps_do_not_run_into_the_file_size_limit)
{
	struct wt_outcome outcome;
	struct rlimit limit = { 2 << 20, RLIM_INFINITY };

	/* SIGXFSZ keeps its default action: the test dies where a step starts at the limit. */
	cr_assert_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
	cr_assert_eq(write_by(&wt_engine_writeback, WT_PWRITE, 4 << 20, 0, &outcome), 2 << 20);
}

Test(engine, async_starts_and_waits_only_past_its_window)
{
	struct wt_outcome outcome;

	rule.level = WT_LEVEL_ASYNC;
	rule.window_bytes = 64 << 10;
	for (int i = 0; i < 16; i++) {
		cr_assert_eq(write_by(&wt_engine_writeback, WT_PWRITE, 4096, i * 4096, &outcome),
			     4096);
		cr_assert_not(range_sync.last_flags & SYNC_FILE_RANGE_WAIT_AFTER);
	}
	cr_assert_eq(range_sync.calls, 16);
	cr_assert_eq(started, 64u << 10);
	cr_assert_eq(write_by(&wt_engine_writeback, WT_PWRITE, 4096, 0, &outcome), 4096);
	cr_assert_eq(range_sync.calls, 18, "one to wait for the window, one to start");
	cr_assert_eq(started, 4096u);
	cr_assert_eq(write_by(&wt_engine_writeback, WT_PWRITE, 128 << 10, 0, &outcome), 128 << 10);
	cr_assert_eq(range_sync.last_flags, 7u,
		     "a write that fills the window alone is waited for");
}

Test(engine, without_rwf_dsync_the_file_is_synced)
{
	struct wt_outcome outcome;

	wt_sys.pwritev2 = refused_pwritev2;
	rule.level = WT_LEVEL_DSYNC;
	cr_assert_eq(write_by(&wt_engine_dsync, WT_PWRITE, 100, 0, &outcome), 100);
	cr_assert_eq(fdatasyncs, 1);
	cr_assert_eq(outcome.fell, WT_WHY_NO_RWF_DSYNC);
	rule.level = WT_LEVEL_SYNC;
	cr_assert_eq(write_by(&wt_engine_dsync, WT_PWRITE, 100, 0, &outcome), 100);
	cr_assert_eq(fsyncs, 1, "sync needs all metadata");
}

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
			rule.level = level;
			fs.refused = 0;
			range_sync.answer = -EINVAL;
			cr_expect_eq(write_by(engines[i], WT_PWRITE, 100, 0, &outcome), 100);
			cr_expect_eq(outcome.uncovered, WT_WHY_NO_SYNC);
			fs.refused = 0;
			cr_expect_eq(write_by(engines[i], WT_WRITE, 100, WT_OFFSET_NONE, &outcome),
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
	rule.level = WT_LEVEL_DSYNC;
	cr_expect_eq(write_by(&wt_engine_dsync, WT_WRITE, 100, WT_OFFSET_NONE, &outcome), -EIO);
}

/* EINVAL is the program's where its own arguments are wrong. */
Test(engine, a_bad_argument_is_no_file_without_a_sync)
{
	struct wt_outcome outcome;

	rule.level = WT_LEVEL_DSYNC;
	cr_expect_eq(write_by(&wt_engine_dsync, WT_PWRITE, 100, -5, &outcome), -EINVAL);
	cr_expect_eq(outcome.uncovered, WT_WHY_NONE);
	cr_expect_eq(outcome.fell, WT_WHY_NONE);
}

Test(engine, an_io_error_of_rwf_dsync_is_returned)
{
	struct wt_outcome outcome;

	wt_sys.pwritev2 = failing_pwritev2;
	rule.level = WT_LEVEL_DSYNC;
	cr_assert_eq(write_by(&wt_engine_dsync, WT_PWRITE, 100, 4096, &outcome), -EIO);
	cr_assert_eq(fdatasyncs, 0);
	cr_assert(outcome.waited);
	cr_assert_eq(outcome.start, 4096);
}

Test(engine, direct_declines_what_is_not_whole_blocks_at_an_offset)
{
	static const struct {
		enum wt_call call;
		size_t len;
		off_t offset;
		enum wt_reason why;
	} cases[] = {
		{ WT_WRITE, 4096, WT_OFFSET_NONE, WT_WHY_NO_OFFSET },
		{ WT_PWRITE, 4095, 0, WT_WHY_PARTIAL_BLOCK },
		{ WT_PWRITE, 4096, 512, WT_WHY_PARTIAL_BLOCK },
	};

	for (size_t i = 0; i < WT_LENGTH(cases); i++) {
		char buf[8192] = { 0 };
		struct iovec iov = { buf, cases[i].len };
		struct wt_io io = { cases[i].call, fd, 1, 0, { &iov }, cases[i].offset };
		struct wt_target target = target_for(&io);
		struct wt_outcome outcome = { 0 };

		target.dio_file_align = 4096;
		target.dio_memory_align = 512;
		cr_assert_eq(wt_engine_direct.write(&target, &io, &outcome), WT_DECLINED);
		cr_assert_eq(outcome.fell, cases[i].why, "case %zu: %s", i,
			     wt_reason_text(outcome.fell));
	}
}

Test(engine, direct_declines_an_address_that_is_not_there)
{
	struct iovec iov = { (void *)1, 4096 };
	struct wt_io io = { WT_PWRITE, fd, 1, 0, { &iov }, 0 };
	struct wt_io vector = { WT_PWRITEV, fd, 1, 0, { (void *)1 }, 0 };
	struct wt_target target = target_for(&io);
	struct wt_outcome outcome = { 0 };

	target.dio_file_align = 4096;
	target.dio_memory_align = 512;
	cr_assert_eq(wt_engine_direct.write(&target, &io, &outcome), WT_DECLINED);
	cr_assert_eq(wt_engine_direct.write(&target, &vector, &outcome), WT_DECLINED);
	cr_assert_eq(wt_engine_dsync.write(&target, &io, &outcome), -EFAULT);
}

Test(engine, a_number_that_became_a_device_unseen_is_left_alone)
{
	struct wt_outcome outcome;

	fd = open("/dev/null", O_WRONLY);
	range_sync.answer = -EINVAL;
	cr_assert_eq(write_by(&wt_engine_writeback, WT_PWRITE, 100, 0, &outcome), 100);
	cr_assert(outcome.stale);
	cr_assert_eq(fs.refused, 0u, "that says nothing of the file system");

	wt_sys.pwritev2 = refused_pwritev2;
	cr_assert_eq(write_by(&wt_engine_dsync, WT_PWRITE, 100, 0, &outcome), 100);
	cr_assert(outcome.stale);
	cr_assert_eq(write_by(&wt_engine_dsync, WT_WRITE, 100, WT_OFFSET_NONE, &outcome), 100);
	cr_assert(outcome.stale);
	cr_assert_eq(fs.refused, 0u);
}
