/* SPDX-License-Identifier: MIT */
/*
 * The direct engine: what it carries past the page cache of a real file, and what it declines, each
 * by its reason.
 */
#define _GNU_SOURCE
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/base.h"
#include "child.h"
#include "engine/engine.h"
#include "engine_bed.h"
#include "os/sys.h"
#include "ring/ring.h"
#include "state/dio_exclusion.h"

#define BLOCK 4096
#define BLOCKS 16

/* With all its blocks written, and no page of it in the cache. */
static void setup(void)
{
	static char zeros[BLOCKS * BLOCK];
	enum wt_reason why;

	bed_make_on_ext4();
	cr_assert_eq(write(bed.fd, zeros, sizeof(zeros)), (ssize_t)sizeof(zeros));
	cr_assert_eq(fsync(bed.fd), 0);
	posix_fadvise(bed.fd, 0, 0, POSIX_FADV_DONTNEED);
	struct wt_ring *ring = wt_ring_take(&why);
	if (!ring)
		cr_skip_test("this machine: no io_uring");
	wt_ring_give(ring);
	bed.rule.cache_drop = true;
}

TestSuite(direct, .init = setup, .timeout = 120);

static struct wt_outcome outcome;

static ssize_t write_direct(const struct wt_io *io)
{
	struct wt_target target = bed_target(io);

	target.dio_file_align = target.dio_memory_align = BLOCK;
	outcome = (struct wt_outcome){ 0 };
	return wt_engine_direct.write(&target, io, &outcome);
}

static _Alignas(BLOCK) char bytes[BLOCKS * BLOCK];

static ssize_t write_bytes(const char *from, size_t len, off_t offset)
{
	struct iovec iov = { (void *)from, len };
	struct wt_io io = { WT_PWRITE, bed.fd, 1, 0, { &iov }, offset };

	memset(bytes, 'x', sizeof(bytes));
	return write_direct(&io);
}

static struct wt_pages pages_of(off_t offset, off_t len)
{
	struct wt_pages pages;

	if (wt_sys.cachestat(bed.fd, offset, len, &pages))
		cr_skip_test("this machine: no cachestat(2)");
	return pages;
}

/* After the look at the cache, which the reading fills. */
static void expect_bytes(off_t offset, size_t len)
{
	char found[BLOCKS * BLOCK];

	cr_assert_eq(pread(bed.fd, found, len, offset), (ssize_t)len);
	cr_expect_eq(memcmp(found, bytes, len), 0);
}

Test(direct, whole_blocks_go_past_the_page_cache)
{
	cr_expect_eq(write_bytes(bytes, 2 * BLOCK, BLOCK), 2 * BLOCK);
	cr_expect(outcome.waited);
	cr_expect_eq(outcome.start, BLOCK);
	cr_expect_eq(outcome.copied, 2u * BLOCK);
	cr_expect_eq(pages_of(0, 0).cached, 0u);
	expect_bytes(BLOCK, 2 * BLOCK);
}

Test(direct, unaligned_and_scattered_bytes_are_gathered)
{
	struct iovec iov[] = { { bytes + 1, 100 }, { bytes + 101, 3900 }, { bytes + 1, 96 } };
	struct wt_io io = { WT_PWRITEV, bed.fd, 3, 0, { iov }, BLOCK };

	cr_expect_eq(write_bytes(bytes + 1, BLOCK, 0), BLOCK);
	cr_expect_eq(write_direct(&io), BLOCK);
	cr_expect_eq(pages_of(0, 0).cached, 0u);
	expect_bytes(0, 2 * BLOCK);
}

/* The kernel does not allocate them without waiting (RWF_NOWAIT), so a second request does. */
Test(direct, blocks_that_are_not_there_yet_are_on_the_disk_as_well)
{
	cr_assert_eq(ftruncate(bed.fd, 0), 0);
	cr_assert_eq(ftruncate(bed.fd, BLOCKS * BLOCK), 0);
	cr_expect_eq(write_bytes(bytes, BLOCK, BLOCK), BLOCK);
	cr_expect_eq(pages_of(0, 0).unclean, 0u);
	expect_bytes(BLOCK, BLOCK);
}

Test(direct, pages_that_are_dirty_already_do_not_come_back)
{
	char other[BLOCK] = "other";

	cr_assert_eq(pwrite(bed.fd, other, BLOCK, BLOCK), BLOCK);
	cr_expect_eq(write_bytes(bytes, BLOCK, BLOCK), BLOCK);
	cr_expect_eq(pages_of(0, 0).unclean, 0u);
	expect_bytes(BLOCK, BLOCK);
}

/* The kernel reads them some time after it was asked to. */
Test(direct, the_cache_is_filled_again_unless_the_rule_drops_it)
{
	bed.rule.cache_drop = false;
	cr_expect_eq(write_bytes(bytes, 2 * BLOCK, 0), 2 * BLOCK);
	for (int tries = 0; pages_of(0, 2 * BLOCK).cached < 2 && tries < 1000; tries++)
		usleep(10000);
	cr_expect_geq(pages_of(0, 2 * BLOCK).cached, 2u);
}

static void expect_declined(ssize_t ret, enum wt_reason why)
{
	cr_expect_eq(ret, WT_DECLINED, "%zd instead of: %s", ret, wt_reason_text(why));
	cr_expect_eq(outcome.fell, why, "%s: %s", wt_reason_text(why),
		     wt_reason_text(outcome.fell));
}

Test(direct, declines_what_is_not_whole_blocks_at_an_offset)
{
	static const struct {
		enum wt_call call;
		size_t len;
		off_t offset;
		enum wt_reason why;
	} cases[] = {
		{ WT_WRITE, BLOCK, WT_OFFSET_NONE, WT_WHY_NO_OFFSET },
		{ WT_PWRITE, BLOCK - 1, 0, WT_WHY_PARTIAL_BLOCK },
		{ WT_PWRITE, BLOCK, 512, WT_WHY_PARTIAL_BLOCK },
		{ WT_PWRITE, BLOCK, -5, WT_WHY_PARTIAL_BLOCK },
		{ WT_PWRITE, 0, 0, WT_WHY_PARTIAL_BLOCK },
		{ WT_PWRITEV, BLOCK - 1, 0, WT_WHY_PARTIAL_BLOCK },
	};

	for (size_t i = 0; i < WT_LENGTH(cases); i++) {
		struct iovec iov = { bytes, cases[i].len };
		struct wt_io io = { cases[i].call, bed.fd, 1, 0, { &iov }, cases[i].offset };

		expect_declined(write_direct(&io), cases[i].why);
	}
}

Test(direct, declines_an_address_that_is_not_there)
{
	struct iovec iov = { (void *)1, BLOCK };
	struct wt_io io = { WT_PWRITE, bed.fd, 1, 0, { &iov }, 0 };
	struct wt_io vector = { WT_PWRITEV, bed.fd, 1, 0, { (void *)1 }, 0 };
	struct wt_target target = bed_target(&io);

	expect_declined(write_direct(&io), WT_WHY_DIRECT_REFUSED);
	expect_declined(write_direct(&vector), WT_WHY_DIRECT_REFUSED);
	cr_expect_eq(wt_engine_dsync.write(&target, &io, &outcome), -EFAULT);
}

Test(direct, declines_what_does_not_fit_into_its_buffer)
{
	static char large[WT_BOUNCE_BYTES + BLOCK + 1];
	struct iovec iov[BLOCKS + 1];
	struct wt_io io = { WT_PWRITEV, bed.fd, BLOCKS + 1, 0, { iov }, 0 };

	for (size_t i = 0; i < WT_LENGTH(iov); i++)
		iov[i] = (struct iovec){ bytes, BLOCK };
	expect_declined(write_direct(&io), WT_WHY_LARGE_UNALIGNED);
	cr_expect_eq(write_bytes(large + 1, WT_BOUNCE_BYTES, 0), (ssize_t)WT_BOUNCE_BYTES);
	expect_declined(write_bytes(large + 1, WT_BOUNCE_BYTES + BLOCK, 0), WT_WHY_LARGE_UNALIGNED);
}

Test(direct, declines_what_the_program_asked_of_the_call_itself)
{
	struct iovec iov = { bytes, BLOCK };
	struct wt_io io = { WT_PWRITEV2, bed.fd, 1, RWF_NOWAIT, { &iov }, 0 };

	expect_declined(write_direct(&io), WT_WHY_OWN_FLAGS);
	fcntl(bed.fd, F_SETFL, O_DIRECT);
	expect_declined(write_bytes(bytes, BLOCK, 0), WT_WHY_OWN_DIRECT);
}

Test(direct, declines_an_act_whose_bytes_it_does_not_see)
{
	struct wt_act act = { 0 };
	struct wt_io io = { .call = WT_ACT, .fd = bed.fd, .act = &act, .offset = 0 };

	expect_declined(write_direct(&io), WT_WHY_NO_MEMORY);
}

Test(direct, declines_what_meets_the_limit_of_file_size)
{
	struct rlimit limit = { 2 * BLOCK, RLIM_INFINITY };

	cr_assert_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
	expect_declined(write_bytes(bytes, 2 * BLOCK, BLOCK), WT_WHY_SIZE_LIMIT);
	cr_expect_eq(write_bytes(bytes, BLOCK, BLOCK), BLOCK, "below it all is as ever");
}

Test(direct, declines_a_file_that_may_be_executed)
{
	cr_assert_eq(fchmod(bed.fd, 0700), 0);
	expect_declined(write_bytes(bytes, BLOCK, 0), WT_WHY_EXECUTABLE);
}

Test(direct, declines_what_is_no_regular_file)
{
	bed.fd = open("/dev/null", O_WRONLY | O_CLOEXEC);
	expect_declined(write_bytes(bytes, BLOCK, 0), WT_WHY_NO_MIRROR);
}

Test(direct, declines_while_cached_writes_of_the_file_are_under_way)
{
	struct wt_io io = { .fd = bed.fd };
	struct wt_inode_here *inode = wt_inode_here(bed_target(&io).file);

	wt_dio_exclusion_take_cached(inode, true);
	expect_declined(write_bytes(bytes, BLOCK, 0), WT_WHY_CACHED_WRITE);
	wt_dio_exclusion_leave_cached(inode);
	cr_expect_eq(write_bytes(bytes, BLOCK, 0), BLOCK);
	cr_expect_not(wt_dio_exclusion_any_direct(bed_target(&io).file), "and it has ended");
}

Test(direct, declines_in_a_handler_in_the_middle_of_a_write)
{
	enum wt_reason why;
	struct wt_ring *ring = wt_ring_take(&why);

	expect_declined(write_bytes(bytes, BLOCK, 0), WT_WHY_RING_BUSY);
	wt_ring_give(ring);
}

Test(direct, declines_where_rings_are_refused)
{
	if (SANITIZED || !child_refuse_call(SYS_io_uring_enter, EPERM))
		cr_skip_test("this machine: no filter of system calls");
	expect_declined(write_bytes(bytes, BLOCK, 0), WT_WHY_NO_MIRROR);
	expect_declined(write_bytes(bytes, BLOCK, 0), WT_WHY_NO_RING);
}
