/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#include "engine_bed.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/base.h"
#include "os/real.h"
#include "os/sys.h"

struct bed bed;

static int counted_range_sync(int fd, off_t offset, off_t len, unsigned int flags)
{
	(void)fd;
	bed.range_sync.calls++;
	bed.range_sync.last = (struct wt_range){ offset, len };
	bed.range_sync.last_flags = flags;
	return bed.range_sync.answer;
}

static int counted_fdatasync(int fd)
{
	bed.fdatasyncs++;
	return fdatasync(fd) ? -errno : 0;
}

static int counted_fsync(int fd)
{
	bed.fsyncs++;
	return fsync(fd) ? -errno : 0;
}

static ssize_t counted_pwrite(int fd, const void *buf, size_t len, off_t offset)
{
	bed.copies++;
	return pwrite(fd, buf, bed.copy_limit && len > bed.copy_limit ? bed.copy_limit : len,
		      offset);
}

ssize_t bed_refused_pwritev2(int fd, const struct iovec *iov, int n, off_t offset, int flags)
{
	(void)fd, (void)iov, (void)n, (void)offset, (void)flags;
	return -EOPNOTSUPP;
}

ssize_t bed_failing_pwritev2(int fd, const struct iovec *iov, int n, off_t offset, int flags)
{
	(void)fd, (void)iov, (void)n, (void)offset, (void)flags;
	return -EIO;
}

static void make_at(char *path, uint32_t magic)
{
	bed.fd = mkostemp(path, O_CLOEXEC);
	cr_assert_geq(bed.fd, 0, "%s: %s", path, strerror(errno));
	unlink(path);
	bed.fs.kind = wt_fs_kind_of(magic);
	bed.rule = (struct wt_rule){ .level = WT_LEVEL_THROUGH, .window_bytes = WT_WINDOW_DEFAULT };
}

void bed_make(void)
{
	char path[] = "/var/tmp/wt-engine-XXXXXX";

	make_at(path, 0);
	wt_sys.sync_file_range = counted_range_sync;
	wt_sys.fdatasync = counted_fdatasync;
	wt_sys.fsync = counted_fsync;
	wt_real.pwrite = counted_pwrite;
}

void bed_make_on_ext4(void)
{
	const char *ext4 = getenv("WT_TEST_EXT4");
	char path[512];

	if (!ext4)
		cr_skip_test("%s", getenv("WT_TEST_EXT4_SKIP") ?: "not run by tests/with-fs");
	snprintf(path, sizeof(path), "%s/engine-XXXXXX", ext4);
	make_at(path, EXT4_SUPER_MAGIC);
}

struct wt_target bed_target(const struct wt_io *io)
{
	int fl = fcntl(bed.fd, F_GETFL);
	struct stat st;

	cr_assert_eq(fstat(bed.fd, &st), 0);
	return (struct wt_target){ .rule = &bed.rule,
				   .fs = &bed.fs,
				   .fl = fl,
				   .has_offset = wt_io_has_offset(io, fl),
				   .description = 1,
				   .file = wt_inode_hash(st.st_dev, st.st_ino),
				   .started_bytes = &bed.started };
}

ssize_t bed_write(const struct wt_engine *engine, enum wt_call call, size_t len, off_t offset,
		  struct wt_outcome *outcome)
{
	void *buf = calloc(1, len);
	struct iovec iov = { buf, len };
	struct wt_io io = { call, bed.fd, 1, 0, { &iov }, offset };
	struct wt_target target = bed_target(&io);

	*outcome = (struct wt_outcome){ 0 };
	ssize_t ret = engine->write(&target, &io, outcome);
	free(buf);
	return ret;
}

uint64_t bed_unclean(off_t offset, off_t len)
{
	struct wt_pages pages;

	if (wt_sys.cachestat(bed.fd, offset, len, &pages))
		cr_skip_test("this machine: no cachestat(2)");
	return pages.unclean;
}
