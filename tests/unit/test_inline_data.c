/* SPDX-License-Identifier: MIT */
/* Whether a file's bytes may lie in its inode: by the kernel's answers, and of real files. */
#define _GNU_SOURCE
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/base.h"
#include "os/sys.h"
#include "state/inline_data.h"

#define INLINE 0x10000000 /* EXT4_INLINE_DATA_FL */
#define FD 5

static struct {
	int flags, flags_err, statx_err, fiemap_err;
	uint64_t blocks; /* of 512 bytes */
	uint32_t extents;
} says;

/* The kernel writes an int, whatever the request's number says. */
static int fake_ioctl(int fd, unsigned long request, void *flags)
{
	(void)fd, (void)request;
	*(int *)flags = says.flags;
	return says.flags_err;
}

static int fake_statx(int fd, const char *path, int flags, unsigned int mask, struct statx *stx)
{
	(void)fd, (void)path, (void)flags, (void)mask;
	*stx = (struct statx){ .stx_blocks = says.blocks, .stx_blksize = 4096 };
	return says.statx_err;
}

static int fake_fiemap(int fd, struct fiemap *map)
{
	(void)fd;
	map->fm_mapped_extents = says.extents;
	return says.fiemap_err;
}

static void fake(void)
{
	wt_sys.ioctl = fake_ioctl;
	wt_sys.statx = fake_statx;
	wt_sys.fiemap = fake_fiemap;
}

Test(inline_data, bytes_lie_in_the_inode_where_the_kernel_says_so_or_does_not_tell)
{
	static const struct {
		int flags, err;
		bool is;
	} cases[] = {
		{ INLINE, 0, true }, { 0x80000, 0, false },	 { 0, -EIO, true },
		{ 0, -EPERM, true }, { INLINE, -ENOTTY, false },
	};

	fake();
	for (size_t i = 0; i < WT_LENGTH(cases); i++) {
		says.flags = cases[i].flags;
		says.flags_err = cases[i].err;
		cr_expect_eq(wt_inline_is(FD), cases[i].is, "case %zu", i);
	}
}

/* One block may be that of the extended attributes. */
Test(inline_data, a_file_with_blocks_for_its_bytes_is_done_with)
{
	static const struct {
		uint64_t blocks;
		int statx_err;
		uint32_t extents;
		int fiemap_err;
		bool may_be;
	} cases[] = {
		{ 16, 0, 0, 0, false },	 { 8, 0, 1, 0, false }, { 8, 0, 0, 0, true },
		{ 8, 0, 1, -EIO, true }, { 0, 0, 0, 0, true },	{ 16, -EIO, 1, 0, true },
	};

	fake();
	for (size_t i = 0; i < WT_LENGTH(cases); i++) {
		says.blocks = cases[i].blocks;
		says.statx_err = cases[i].statx_err;
		says.extents = cases[i].extents;
		says.fiemap_err = cases[i].fiemap_err;
		cr_expect_eq(wt_inline_may_be(FD), cases[i].may_be, "case %zu", i);
	}
}

Test(inline_data, bytes_that_moved_into_the_inode_meanwhile_are_seen)
{
	fake();
	says.blocks = 16;
	says.flags = INLINE;
	cr_expect(wt_inline_may_be(FD));
}

Test(inline_data, a_file_on_ext4_may_be_inline_until_it_has_a_block)
{
	char path[512], block[8192] = "bytes";

	if (!getenv("WT_TEST_EXT4"))
		cr_skip_test("%s", getenv("WT_TEST_EXT4_SKIP") ?: "not run by tests/with-fs");
	snprintf(path, sizeof(path), "%s/inline", getenv("WT_TEST_EXT4"));
	int fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	cr_expect(wt_inline_may_be(fd));
	cr_assert_eq(pwrite(fd, block, sizeof(block), 0), (ssize_t)sizeof(block));
	cr_assert_eq(fsync(fd), 0);
	cr_expect_not(wt_inline_may_be(fd));
	close(fd);
	unlink(path);
}
