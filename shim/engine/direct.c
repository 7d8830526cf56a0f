/* SPDX-License-Identifier: MIT */
/*
 * The direct engine: O_DIRECT to a mirror of the same file, through the thread's io_uring.
 *
 * It carries whole blocks at an explicit offset, and only bytes that the program passed in this
 * very call. It declines every other write. An O_DIRECT write has reached the device when it
 * completes (open(2), O_DIRECT). With RWF_DSYNC the device has made it stable too, by FUA if it has
 * that (iomap_dio_rw, fs/iomap/direct-io.c) or by a flush.
 *
 * The kernel drops the range from the page cache. With cache=keep a read of it is started
 * afterwards; the other order, cache first, would write the bytes to the device twice.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/uio.h>

#include "base/base.h"
#include "engine/engine.h"
#include "os/sys.h"
#include "os/thread.h"
#include "ring/mirror.h"
#include "state/dio_exclusion.h"

/* What force_page_cache_ra (mm/readahead.c) reads in one call on any device. */
#define READAHEAD_BYTES (128u << 10)

#define GATHER_MAX 16

/* The bytes of one write as one piece of memory that O_DIRECT accepts. */
struct run {
	const void *buf;
	size_t len;
};

static ssize_t decline(enum wt_reason why, struct wt_outcome *outcome)
{
	outcome->fell = why;
	return WT_DECLINED;
}

static bool is_aligned(uintptr_t value, unsigned int unit)
{
	return !(value & (unit - 1));
}

/*
 * Copies scattered or unaligned bytes into the bounce buffer. The kernel reads the program's
 * memory, the vector as well as the buffers, because it may be unreadable. WT_WHY_NONE, or why the
 * write is declined; a bad address is declined too, as the next engine's call answers EFAULT.
 */
static enum wt_reason gather(struct wt_ring *ring, const struct wt_io *io, struct run *run)
{
	struct iovec iov[GATHER_MAX];
	size_t len = 0;

	if (io->iovcnt <= 0 || io->iovcnt > GATHER_MAX)
		return WT_WHY_LARGE_UNALIGNED;
	if (!wt_sys_read_program(iov, io->iov, io->iovcnt * sizeof(iov[0])))
		return WT_WHY_DIRECT_REFUSED;
	for (int i = 0; i < io->iovcnt; i++) {
		if (iov[i].iov_len > WT_BOUNCE_BYTES - len)
			return WT_WHY_LARGE_UNALIGNED;
		len += iov[i].iov_len;
	}
	struct iovec to = { wt_ring_bounce(ring), WT_BOUNCE_BYTES };
	if (!to.iov_base)
		return WT_WHY_NO_RING_NOW;
	if (wt_sys.read_memory(&to, iov, io->iovcnt) != (ssize_t)len)
		return WT_WHY_DIRECT_REFUSED;
	*run = (struct run){ to.iov_base, len };
	return WT_WHY_NONE;
}

static enum wt_reason make_run(const struct wt_target *target, struct wt_ring *ring,
			       const struct wt_io *io, struct run *run)
{
	if (!wt_io_is_scalar(io) ||
	    !is_aligned((uintptr_t)io->iov->iov_base, target->dio_memory_align))
		return gather(ring, io, run);
	*run = (struct run){ io->iov->iov_base, io->iov->iov_len };
	return WT_WHY_NONE;
}

/*
 * The RWF_* flags for the level, and for what the descriptor or the call itself asked. On a file
 * system that is not known to be right on a device (overlayfs, FUSE, NFS) even `through` needs
 * RWF_DSYNC.
 */
static int rwf_of(const struct wt_target *target, const struct wt_io *io)
{
	bool completed_is_enough = target->rule->level == WT_LEVEL_THROUGH &&
				   target->fs->kind->flags & WT_FS_WRITEBACK;
	int flags = io->flags;

	if ((target->fl & O_SYNC) == O_SYNC)
		flags |= RWF_SYNC;
	else if (target->fl & O_DSYNC)
		flags |= RWF_DSYNC;
	return completed_is_enough
		       ? flags
		       : flags | wt_engine_rwf(target->rule->level, target->may_be_inline);
}

static void fill_cache(int fd, off_t offset, size_t len)
{
	for (size_t done = 0; done < len; done += READAHEAD_BYTES) {
		size_t part = len - done < READAHEAD_BYTES ? len - done : READAHEAD_BYTES;

		wt_sys.fadvise(fd, offset + done, part, POSIX_FADV_WILLNEED);
	}
}

/*
 * Without RWF_NOWAIT the kernel writes through the cache where it cannot drop cached pages, or
 * where blocks have to be allocated. There it may report another write's error or miss this one's,
 * so this write waits on a private opening as well.
 */
static ssize_t write_beside_private_open(struct wt_ring *ring, const struct wt_io *io,
					 const struct run *run, int rwf, const struct stat *st)
{
	enum wt_reason why;
	int private_open = wt_mirror_get(ring, WT_MIRROR_PRIVATE, io->fd, st, &why);
	uint32_t opening = private_open < 0 ? 0 : wt_mirror_opening(ring, private_open);
	/*
	 * The mirror is asked for again, as the private opening may have taken its slot. It may in
	 * turn have replaced the private opening, which is checked next.
	 */
	int mirror = wt_mirror_get(ring, WT_MIRROR_WRITE, io->fd, st, &why);

	if (!opening || mirror < 0 || wt_mirror_opening(ring, private_open) != opening)
		return -ECANCELED;
	ssize_t ret = wt_mirror_write(ring, mirror, run->buf, run->len, io->offset, rwf);
	if (ret <= 0)
		return ret;
	int err = wt_mirror_sync_range(ring, private_open, (struct wt_range){ io->offset, ret });
	return err ? err : ret;
}

/* With RWF_NOWAIT the kernel never goes through the cache, so an error belongs to this request. */
static ssize_t write_direct(struct wt_ring *ring, int mirror, const struct wt_io *io,
			    const struct run *run, int rwf, const struct stat *st,
			    struct wt_outcome *outcome)
{
	ssize_t ret =
		wt_mirror_write(ring, mirror, run->buf, run->len, io->offset, rwf | RWF_NOWAIT);

	if (ret == -EAGAIN) {
		wt_sys.fadvise(io->fd, io->offset, run->len, POSIX_FADV_DONTNEED);
		ret = wt_mirror_write(ring, mirror, run->buf, run->len, io->offset,
				      rwf | RWF_NOWAIT);
	}
	if (ret == -EAGAIN || ret == -EOPNOTSUPP)
		return write_beside_private_open(ring, io, run, rwf, st);
	/* No block had to be allocated, so it is the device that has no space. */
	if (ret == -ENOSPC)
		outcome->took = ret;
	return ret;
}

static ssize_t write_run(const struct wt_target *target, struct wt_ring *ring,
			 const struct wt_io *io, const struct stat *st, struct wt_outcome *outcome)
{
	struct run run;
	enum wt_reason why = make_run(target, ring, io, &run);

	if (why)
		return decline(why, outcome);
	if (!run.len || !is_aligned(run.len, target->dio_file_align))
		return decline(WT_WHY_PARTIAL_BLOCK, outcome);
	/* A kernel worker that carried the write would get the SIGXFSZ in the program's place. */
	if (wt_io_below_file_size_limit(io, run.len) < run.len)
		return decline(WT_WHY_SIZE_LIMIT, outcome);
	/*
	 * While its mirror is open for writing a file cannot be executed (ETXTBSY). Another thread
	 * may close the file to execute it, and this one never use its ring again to drop the
	 * mirror.
	 */
	if (st->st_mode & (S_IXUSR | S_IXGRP | S_IXOTH))
		return decline(WT_WHY_EXECUTABLE, outcome);
	int mirror = wt_mirror_get(ring, WT_MIRROR_WRITE, io->fd, st, &why);
	if (mirror < 0)
		return decline(why, outcome);
	struct wt_inode_here *inode = wt_inode_here(target->file);
	if (!wt_dio_exclusion_take_direct(inode))
		return decline(WT_WHY_CACHED_WRITE, outcome);
	ssize_t ret = write_direct(ring, mirror, io, &run, rwf_of(target, io), st, outcome);
	wt_dio_exclusion_leave_direct(inode);
	/* After EFAULT and EFBIG too, the next engine's call answers as without libwt. */
	if (wt_sys_is_refusal(ret) || ret == -ECANCELED || ret == -EFAULT || ret == -EAGAIN ||
	    ret == -ENOTBLK)
		return decline(WT_WHY_DIRECT_REFUSED, outcome);
	/* The request may still be running. */
	if (ret == -ESTALE)
		ret = -EIO;
	outcome->waited = true;
	outcome->start = io->offset;
	outcome->copied = ret > 0 ? ret : 0;
	if (ret > 0 && !target->rule->cache_drop)
		fill_cache(io->fd, io->offset, ret);
	return ret;
}

static ssize_t direct_write(const struct wt_target *target, const struct wt_io *io,
			    struct wt_outcome *outcome)
{
	struct stat st;
	enum wt_reason why;

	/* write(2) is a point of cancellation, and the ring is none. */
	wt_thread_test_cancel();
	/* The program's own O_DIRECT: the kernel's rules for its buffers stay in force. */
	if (target->fl & O_DIRECT)
		return decline(WT_WHY_OWN_DIRECT, outcome);
	if (io->flags & ~(RWF_DSYNC | RWF_SYNC))
		return decline(WT_WHY_OWN_FLAGS, outcome);
	if (io->call == WT_ACT)
		return decline(WT_WHY_NO_MEMORY, outcome);
	if (!target->has_offset)
		return decline(WT_WHY_NO_OFFSET, outcome);
	if (io->offset < 0 || !is_aligned(io->offset, target->dio_file_align) ||
	    (wt_io_is_scalar(io) && !is_aligned(io->iov->iov_len, target->dio_file_align)))
		return decline(WT_WHY_PARTIAL_BLOCK, outcome);
	struct wt_ring *ring = wt_ring_take(&why);
	if (!ring)
		return decline(why, outcome);
	ssize_t ret = wt_sys.identify(io->fd, &st);
	ret = ret ? decline(WT_WHY_NO_MIRROR, outcome) : write_run(target, ring, io, &st, outcome);
	wt_ring_give(ring);
	return ret;
}

const struct wt_engine wt_engine_direct = {
	.name = "direct",
	.id = WT_ENGINE_DIRECT,
	.write = direct_write,
	.bypasses_cache = true,
};
