/* SPDX-License-Identifier: MIT */
/*
 * The file systems themselves: one test each, which skips with the reason where a
 * file system cannot be made, and shows that its measuring instruments work. The
 * other tests leave out what is not there, without a word.
 */
#define _GNU_SOURCE
#include "../lib/bed.h"
#include "../lib/probe.h"

#include <criterion/criterion.h>

#define LEN (1 << 20)

/* A plain write leaves dirty pages and the sector counter alone; fsync does the reverse. */
static void check_instruments(const struct bed *bed)
{
	int fd = open(bed_path(bed, "instrument"), O_RDWR | O_CREAT, 0600);
	char lower_path[512];
	int lower = fd;
	char *bytes = probe_buffer(LEN);
	struct probe_cache cache;
	int64_t before = probe_written(bed->stat);

	if (bed->upper) {
		snprintf(lower_path, sizeof(lower_path), "%s/instrument", bed->upper);
		lower = open(lower_path, O_RDONLY);
	}
	memset(bytes, 'i', LEN);
	cr_assert_eq(write(fd, bytes, LEN), LEN, "%m");
	cr_assert_eq(probe_cachestat(lower, 0, LEN, &cache), 0);
	cr_assert_eq(cache.dirty, LEN / PROBE_BLOCK);
	cr_assert_lt(probe_written(bed->stat) - before, LEN);
	if (bed->shows_device)
		cr_assert(!probe_device_equal(fd, bed->device, 0, bytes, LEN));
	cr_assert_eq(fsync(fd), 0, "%m");
	cr_assert_eq(probe_cachestat(lower, 0, LEN, &cache), 0);
	cr_assert_eq(cache.dirty + cache.writeback, 0);
	cr_assert_geq(probe_written(bed->stat) - before, LEN);
	if (bed->shows_device)
		cr_assert(probe_device_equal(fd, bed->device, 0, bytes, LEN));
	free(bytes);
}

Test(bed, ext4)
{
	check_instruments(bed_need("EXT4"));
}

Test(bed, xfs)
{
	check_instruments(bed_need("XFS"));
}

Test(bed, btrfs)
{
	check_instruments(bed_need("BTRFS"));
}

Test(bed, overlay)
{
	check_instruments(bed_need("OVERLAY"));
}

/* No disk, so nothing to measure: only that it is there and takes files. */
Test(bed, tmpfs)
{
	const struct bed *bed = bed_need("TMPFS");
	int fd = open(bed_path(bed, "instrument"), O_RDWR | O_CREAT, 0600);

	cr_assert_eq(write(fd, "x", 1), 1, "%m");
}
