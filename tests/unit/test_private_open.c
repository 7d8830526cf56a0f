/* SPDX-License-Identifier: MIT */
/* A private opening of a real file: made, waited on, and gone. */
#define _GNU_SOURCE
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "child.h"
#include "os/sys.h"
#include "ring/mirror.h"
#include "ring/private_open.h"
#include "scratch.h"

static struct wt_private_open opening;
static int fd;

static void setup(void)
{
	const char *ext4 = getenv("WT_TEST_EXT4");
	char path[512];

	scratch_make();
	if (ext4)
		snprintf(path, sizeof(path), "%s/private", ext4);
	fd = open(ext4 ? path : scratch_path("file"), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	cr_assert_geq(fd, 0, "%m");
}

TestSuite(private_open, .init = setup, .fini = scratch_remove);

static void get(void)
{
	enum wt_reason why = wt_private_open_get(&opening, fd);

	if (why == WT_WHY_NO_RING)
		cr_skip_test("this machine: no io_uring");
	cr_assert_eq(why, WT_WHY_NONE, "%s", wt_reason_text(why));
}

/* Pages not on the disk yet; the test skips where the kernel does not count them. */
static uint64_t unclean(off_t offset, off_t len)
{
	struct wt_pages pages;

	if (!getenv("WT_TEST_EXT4"))
		cr_skip_test("%s", getenv("WT_TEST_EXT4_SKIP") ?: "not run by tests/with-fs");
	if (wt_sys.cachestat(fd, offset, len, &pages))
		cr_skip_test("this machine: no cachestat(2)");
	return pages.unclean;
}

/* Two places, as far apart as no two pages of one folio are. */
#define PART_BYTES 8192
#define FAR_OFF (64 << 20)

static void write_pages(void)
{
	static char bytes[PART_BYTES];

	memset(bytes, 'x', sizeof(bytes));
	cr_assert_eq(pwrite(fd, bytes, sizeof(bytes), 0), (ssize_t)sizeof(bytes));
	cr_assert_eq(pwrite(fd, bytes, sizeof(bytes), FAR_OFF), (ssize_t)sizeof(bytes));
	cr_assert_eq(unclean(0, 0), 4u);
}

Test(private_open, a_wait_on_it_brings_a_range_to_the_disk)
{
	get();
	write_pages();
	cr_expect_eq(wt_private_open_wait(&opening, (struct wt_range){ FAR_OFF, PART_BYTES }), 0);
	cr_expect_eq(unclean(FAR_OFF, PART_BYTES), 0u);
	cr_expect_eq(unclean(0, PART_BYTES), 2u, "and nothing else");
	cr_expect_eq(wt_private_open_wait(&opening, WT_WHOLE_FILE), 0);
	cr_expect_eq(unclean(0, 0), 0u);
}

Test(private_open, a_sync_of_it_brings_the_file_to_the_disk)
{
	get();
	for (int datasync = 0; datasync < 2; datasync++) {
		write_pages();
		cr_expect_eq(wt_private_open_sync(&opening, WT_WHOLE_FILE, datasync), 0);
		cr_expect_eq(unclean(0, 0), 0u);
	}
}

/* A request holds 32 bits of it. */
Test(private_open, a_range_of_any_length_is_taken)
{
	get();
	write_pages();
	cr_expect_eq(wt_private_open_wait(&opening, (struct wt_range){ 0, 1LL << 40 }), 0);
	cr_expect_eq(unclean(0, 0), 0u);
	write_pages();
	cr_expect_eq(wt_private_open_sync(&opening, (struct wt_range){ 0, 1LL << 40 }, true), 0);
	cr_expect_eq(unclean(0, 0), 0u);
}

Test(private_open, it_takes_no_descriptor)
{
	int before = child_count_descriptors();

	get();
	cr_expect_eq(child_count_descriptors(), before);
}

Test(private_open, a_second_one_of_the_file_is_the_same)
{
	get();
	struct wt_private_open first = opening;
	get();
	cr_expect_eq(opening.slot, first.slot);
	cr_expect_eq(opening.opening, first.opening);
}

Test(private_open, of_what_is_no_file_there_is_none)
{
	int ends[2];

	get();
	cr_assert_eq(pipe(ends), 0);
	cr_expect_eq(wt_private_open_get(&opening, ends[1]), WT_WHY_NO_MIRROR);
	cr_expect_eq(wt_private_open_get(&opening, -1), WT_WHY_NO_MIRROR);
}

/* By the writes of a signal handler to so many other files. */
Test(private_open, one_that_was_put_out_is_not_waited_on)
{
	get();
	struct wt_private_open first = opening;
	for (int i = 0; i < WT_MIRRORS; i++) {
		int other = memfd_create("other", MFD_CLOEXEC);

		cr_expect_eq(wt_private_open_get(&opening, other), WT_WHY_NONE);
	}
	cr_expect_eq(wt_private_open_wait(&first, WT_WHOLE_FILE), -ESTALE);
	cr_expect_eq(wt_private_open_sync(&first, WT_WHOLE_FILE, true), -ESTALE);
	get();
	cr_expect_eq(wt_private_open_wait(&opening, WT_WHOLE_FILE), 0, "until it is made anew");
}

Test(private_open, a_handler_in_the_middle_of_a_write_has_none)
{
	enum wt_reason why;

	get();
	struct wt_ring *ring = wt_ring_take(&why);
	cr_expect_eq(wt_private_open_get(&opening, fd), WT_WHY_RING_BUSY);
	cr_expect_eq(wt_private_open_wait(&opening, WT_WHOLE_FILE), -ESTALE);
	wt_ring_give(ring);
}

Test(private_open, without_rings_there_is_none)
{
	if (SANITIZED || !child_refuse_call(SYS_io_uring_setup, EPERM))
		cr_skip_test("this machine: no filter of system calls");
	cr_expect_eq(wt_private_open_get(&opening, fd), WT_WHY_NO_RING);
	cr_expect_eq(wt_private_open_wait(&opening, WT_WHOLE_FILE), -ESTALE);
}

/* EINVAL is the file's answer, and no refusal. */
Test(private_open, a_file_without_a_sync_says_so)
{
	fd = open("/proc/self/comm", O_RDWR | O_CLOEXEC);
	get();
	cr_expect_eq(wt_private_open_sync(&opening, WT_WHOLE_FILE, false), -EINVAL);
}
