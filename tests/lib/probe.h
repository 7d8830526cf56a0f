/* SPDX-License-Identifier: MIT */
/*
 * probe - what the kernel and the disk say about a range of a file.
 *
 * For programs that know nothing of libwt: every question is asked by a raw
 * system call, so that no answer passes through the library under test, and
 * none of the questions writes anything back except probe_direct_equal, which
 * comes last (an O_DIRECT read makes the kernel flush the range first).
 */
#ifndef WT_TESTS_PROBE_H
#define WT_TESTS_PROBE_H

#include <errno.h>
#include <fcntl.h>
#include <linux/fiemap.h>
#include <linux/fs.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "../../shim/os/raw.h" /* past libwt, which exports syscall(3) */
#include "must.h"
#include "pageflags.h"

#ifndef SYS_cachestat
#define SYS_cachestat 451
#endif

#define PROBE_SECTOR 512UL

/* In an argument that the kernel does not read: by it a test's filter knows this file's calls. */
#define PROBE_WORD 0x70726f6265

static inline int probe_open(const char *path, int flags)
{
	return wt_syscall(SYS_openat, AT_FDCWD, path, flags | O_CLOEXEC, 0600);
}

static inline void probe_close(int fd)
{
	wt_syscall(SYS_close, fd);
}

static inline void *probe_buffer(size_t len)
{
	void *buf = NULL;

	if (posix_memalign(&buf, PROBE_BLOCK, len))
		abort();
	return buf;
}

/*
 * Pages of the range, to the end of the file for a length of 0; 0 or -errno. For kernels without
 * cachestat(2) see pageflags.h.
 */
static inline int probe_cachestat(int fd, uint64_t offset, uint64_t len, struct probe_cache *answer)
{
	struct {
		uint64_t offset;
		uint64_t len;
	} range = { offset, len };

	if (!wt_syscall(SYS_cachestat, fd, &range, answer, 0, 0, PROBE_WORD))
		return 0;
	return errno == ENOSYS ? probe_pageflags(fd, offset, len, answer) : -errno;
}

/* How many pages of the whole file are not written back. */
static inline uint64_t probe_dirty_pages(int fd)
{
	struct probe_cache pages;

	must(!probe_cachestat(fd, 0, 0, &pages), "cachestat");
	return pages.dirty + pages.writeback;
}

/* Bytes written to a block device since it exists, from its /sys/block/X/stat; -1 without one. */
static inline int64_t probe_written(const char *stat_path)
{
	char text[256] = "";
	long long sectors;
	int fd = stat_path ? probe_open(stat_path, O_RDONLY) : -1;
	long got = wt_syscall(SYS_read, fd, text, sizeof(text) - 1);

	probe_close(fd);
	if (got <= 0 || sscanf(text, "%*s %*s %*s %*s %*s %*s %lld", &sectors) != 1)
		return -1;
	return sectors * (int64_t)PROBE_SECTOR;
}

/* Where on its device this byte of the file is, and how many follow it there; -1 if nowhere yet. */
static inline int64_t probe_locate(int fd, uint64_t offset, uint64_t *contiguous)
{
	union {
		struct fiemap map;
		char room[sizeof(struct fiemap) + sizeof(struct fiemap_extent)];
	} ask = { .map = { .fm_start = offset, .fm_length = 1, .fm_extent_count = 1 } };
	const struct fiemap_extent *extent = ask.map.fm_extents;

	if (wt_syscall(SYS_ioctl, fd, FS_IOC_FIEMAP, &ask.map) || !ask.map.fm_mapped_extents)
		return -1;
	if (extent->fe_flags &
	    (FIEMAP_EXTENT_UNKNOWN | FIEMAP_EXTENT_DELALLOC | FIEMAP_EXTENT_UNWRITTEN))
		return -1;
	*contiguous = extent->fe_logical + extent->fe_length - offset;
	return extent->fe_physical + (offset - extent->fe_logical);
}

/* Reads at most `room` bytes of the file, from a block's start, off the device. The count or -1. */
static inline int64_t probe_device_read(int fd, int device, uint64_t offset, char *buf,
					uint64_t room)
{
	uint64_t contiguous;
	int64_t where = probe_locate(fd, offset, &contiguous);

	if (where < 0)
		return -1;
	return wt_syscall(SYS_pread64, device, buf, contiguous < room ? contiguous : room, where);
}

/*
 * Whether the device itself has the bytes, read past file system and cache.
 * Only for file systems whose FIEMAP answers in bytes of the device: ext4, XFS.
 */
static inline bool probe_device_equal(int fd, const char *device_path, uint64_t offset,
				      const char *bytes, uint64_t len)
{
	int device = probe_open(device_path, O_RDONLY | O_DIRECT);
	uint64_t start = offset / PROBE_BLOCK * PROBE_BLOCK;
	uint64_t room = (offset + len - start + PROBE_BLOCK - 1) / PROBE_BLOCK * PROBE_BLOCK;
	char *buf = probe_buffer(room);
	uint64_t filled = 0;
	int64_t got = 1;
	bool equal;

	while (filled < room && got > 0) {
		got = probe_device_read(fd, device, start + filled, buf + filled, room - filled);
		filled += got > 0 ? got : 0;
	}
	equal = filled == room && !memcmp(buf + (offset - start), bytes, len);
	free(buf);
	probe_close(device);
	return equal;
}

/* Whether a read of the file with these flags, O_DIRECT for one, sees the bytes. */
static inline bool probe_read_equal(const char *path, int flags, uint64_t offset, const char *bytes,
				    uint64_t len)
{
	int fd = probe_open(path, O_RDONLY | flags);
	uint64_t start = offset / PROBE_BLOCK * PROBE_BLOCK;
	uint64_t room = (offset + len - start + PROBE_BLOCK - 1) / PROBE_BLOCK * PROBE_BLOCK;
	char *buf = probe_buffer(room);
	int64_t got = wt_syscall(SYS_pread64, fd, buf, room, start);
	bool equal = got >= (int64_t)(offset + len - start) &&
		     !memcmp(buf + (offset - start), bytes, len);

	free(buf);
	probe_close(fd);
	return equal;
}

#endif
