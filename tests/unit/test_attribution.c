/* SPDX-License-Identifier: MIT */
/*
 * An error of the wait is held against the disk. The file and the disk are real; the call
 * that waits is replaced by one that fails although the bytes are there, as it does when the error
 * is another writer's.
 */
#define _GNU_SOURCE
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/attribution.h"
#include "core/readback.h"
#include "core/resolve.h"
#include "os/real.h"
#include "os/sys.h"
#include "ring/mirror.h"
#include "state/pending_error.h"

static char path[] = "/var/tmp/wt-attribution-XXXXXX";
static int fd, answer;
static struct wt_rule rule;
static struct wt_filesystem fs;
static uint64_t description;
static struct wt_target target;
static struct wt_outcome outcome;

static int slandering_range_sync(int file, off_t offset, off_t len, unsigned int flags)
{
	(void)file, (void)offset, (void)len, (void)flags;
	return answer;
}

/* Fails before the copy. */
static ssize_t failing_pwritev2(int file, const struct iovec *iov, int n, off_t offset, int flags)
{
	(void)file, (void)iov, (void)n, (void)offset, (void)flags;
	return answer;
}

static void setup(void)
{
	cr_assert_eq(wt_description_init(), 0);
	cr_assert_eq(wt_pending_error_init(), 0);
	fd = mkstemp(path);
	cr_assert_geq(fd, 0, "%s: %s", path, strerror(errno));
	unlink(path);
	fs.kind = wt_fs_kind_of(0xef53); /* ext4: each fsync flushes */
	rule = (struct wt_rule){ .level = WT_LEVEL_THROUGH, .window_bytes = WT_WINDOW_DEFAULT };
	description = wt_description_number(true);
	wt_sys.sync_file_range = slandering_range_sync;
	answer = -EIO;
}

TestSuite(attribution, .init = setup, .timeout = 120);

static ssize_t write_by(const struct wt_engine *engine, const struct wt_io *io, bool readable)
{
	int fl = fcntl(fd, F_GETFL);
	uint8_t shift = wt_resolve_dio_shift(fd, fs.kind);

	target = (struct wt_target){
		.rule = &rule,
		.fs = &fs,
		.fl = fl,
		.has_offset = wt_io_has_offset(io, fl),
		.dio_file_align = readable && shift ? 1U << (shift & 15) : 0,
		.description = description,
	};
	outcome = (struct wt_outcome){ 0 };
	return wt_attribution_write(engine, &target, io, false, &outcome);
}

static ssize_t write_text(enum wt_call call, const char *text, off_t offset, bool readable)
{
	struct iovec iov = { (void *)text, strlen(text) };
	struct wt_io io = { call, fd, 1, 0, { &iov }, offset };

	return write_by(&wt_engine_writeback, &io, readable);
}

Test(attribution, an_error_that_the_disk_contradicts_is_a_success)
{
	cr_assert_eq(write_text(WT_PWRITE, "bytes", 10000, true), 5);
	cr_assert_eq(write_text(WT_WRITE, "bytes", WT_OFFSET_NONE, true), 5);
	cr_assert_eq(lseek(fd, 0, SEEK_CUR), 5, "and it has moved the offset");
}

Test(attribution, what_the_wait_took_is_owed_to_fsync_all_the_same)
{
	cr_assert_eq(write_text(WT_PWRITE, "bytes", 0, true), 5);
	cr_assert_eq(wt_pending_error_take(fd, description), -EIO);
}

Test(attribution, an_error_that_cannot_be_looked_into_is_returned_and_moves_no_offset)
{
	lseek(fd, 4096, SEEK_SET);
	cr_assert_eq(write_text(WT_WRITE, "bytes", WT_OFFSET_NONE, false), -EIO);
	cr_assert_eq(lseek(fd, 0, SEEK_CUR), 4096);
	cr_assert_eq(wt_pending_error_take(fd, description), -EIO);
}

Test(attribution, a_failed_append_moves_no_offset)
{
	cr_assert_eq(pwrite(fd, "x", 1, 9999), 1);
	fcntl(fd, F_SETFL, O_APPEND);
	lseek(fd, 5, SEEK_SET);
	answer = -ENOSPC;
	cr_assert_eq(write_text(WT_WRITE, "bytes", WT_OFFSET_NONE, false), -ENOSPC);
	cr_assert_eq(lseek(fd, 0, SEEK_CUR), 5);
}

Test(attribution, an_append_is_found_where_it_went)
{
	cr_assert_eq(pwrite(fd, "x", 1, 9999), 1);
	fcntl(fd, F_SETFL, O_APPEND);
	cr_assert_eq(write_text(WT_WRITE, "bytes", WT_OFFSET_NONE, true), 5);
	cr_assert_eq(lseek(fd, 0, SEEK_CUR), 10005);
}

Test(attribution, other_bytes_at_the_place_are_a_loss)
{
	struct iovec iov = { "new", 3 };
	struct wt_io io = { WT_PWRITE, fd, 1, 0, { &iov }, 0 };

	rule.level = WT_LEVEL_DSYNC;
	wt_sys.pwritev2 = failing_pwritev2;
	cr_assert_eq(pwrite(fd, "old", 3, 0), 3);
	cr_assert_eq(write_by(&wt_engine_dsync, &io, true), -EIO);
	cr_assert_eq(pwrite(fd, "new", 3, 0), 3);
	cr_assert_eq(write_by(&wt_engine_dsync, &io, true), 3, "the same bytes are none");
}

Test(attribution, a_vector_is_compared_piece_by_piece)
{
	struct iovec iov[] = { { "on", 2 }, { NULL, 0 }, { "e ", 2 }, { "vector", 6 } };
	struct wt_io io = { WT_PWRITEV, fd, 4, 0, { iov }, 4090 };

	cr_assert_eq(write_by(&wt_engine_writeback, &io, true), 10);
}

static ssize_t dsync_write_of(const char *text)
{
	struct iovec iov = { (void *)text, strlen(text) };
	struct wt_io io = { WT_PWRITE, fd, 1, 0, { &iov }, 0 };

	rule.level = WT_LEVEL_DSYNC;
	wt_sys.pwritev2 = failing_pwritev2;
	answer = -ENOSPC;
	return write_by(&wt_engine_dsync, &io, true);
}

Test(attribution, a_full_disk_that_the_copy_met_is_owed_to_nobody)
{
	cr_assert_eq(pwrite(fd, "other", 5, 0), 5);
	cr_assert_eq(dsync_write_of("bytes"), -ENOSPC);
	cr_assert_eq(wt_pending_error_take(fd, description), 0);
}

Test(attribution, a_full_disk_that_the_device_met_is_owed)
{
	cr_assert_eq(pwrite(fd, "bytes", 5, 0), 5);
	cr_assert_eq(dsync_write_of("bytes"), 5, "they are in the cache, and then on the disk");
	cr_assert_eq(wt_pending_error_take(fd, description), -ENOSPC);
}

static bool zeros_are_on_disk(void)
{
	char zeros[8192] = { 0 };
	struct iovec iov = { zeros, sizeof(zeros) };
	struct wt_io io = { WT_PWRITE, fd, 1, 0, { &iov }, 0 };
	uint8_t shift = wt_resolve_dio_shift(fd, fs.kind);

	target = (struct wt_target){
		.rule = &rule,
		.fs = &fs,
		.dio_file_align = 1U << (shift & 15),
	};
	return wt_readback_is_on_disk(&target, &io, &outcome);
}

Test(attribution, zeros_prove_nothing_where_nothing_was_written)
{
	char zeros[8192] = { 0 };

	cr_assert_eq(ftruncate(fd, 8192), 0);
	cr_assert_not(zeros_are_on_disk(), "a hole");
	cr_assert_eq(fallocate(fd, 0, 0, 8192), 0);
	cr_assert_not(zeros_are_on_disk(), "an unwritten extent");
	cr_assert_eq(pwrite(fd, zeros, 4096, 0), 4096);
	cr_assert_eq(fsync(fd), 0);
	cr_assert_not(zeros_are_on_disk(), "half of it");
	cr_assert_eq(pwrite(fd, zeros, 8192, 0), 8192);
	cr_assert_eq(fsync(fd), 0);
	cr_assert(zeros_are_on_disk());
}

Test(attribution, an_error_is_told_to_what_is_opened_before_an_fsync)
{
	uint64_t later = wt_description_number(true);

	cr_assert_eq(write_text(WT_PWRITE, "bytes", 0, false), -EIO);
	wt_pending_error_opened(fd, later);
	cr_assert_eq(wt_pending_error_take(fd, later), -EIO);
	wt_pending_error_told(fd);
	wt_pending_error_opened(fd, later);
	cr_assert_eq(wt_pending_error_take(fd, later), 0);
}

static int copies;

/* The opening that the copy is to be waited for on is gone afterwards. */
static ssize_t copy_and_lose_private_open(struct wt_act *act)
{
	(void)act;
	copies++;
	wt_mirror_leave();
	return pwrite(fd, "bytes", 5, 0);
}

Test(attribution, a_copy_whose_private_open_is_gone_is_not_made_again)
{
	struct wt_act act = { .name = "copy", .carry_out = copy_and_lose_private_open };
	struct wt_io io = { .call = WT_ACT, .fd = fd, .act = &act };

	description = wt_description_number(false);
	cr_assert_eq(write_by(&wt_engine_dsync, &io, true), -EIO);
	cr_assert_eq(copies, 1);
}
