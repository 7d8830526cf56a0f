/* SPDX-License-Identifier: MIT */
/*
 * The writeback engine: copy into the page cache, then sync_file_range(2).
 *
 * `through`: with all three flags (WB_SYNC_ALL since 5.2, fs/sync.c) the pages
 * are on the device and clean when it returns, and an error on the way is
 * returned. The device's cache is not flushed and no metadata is committed:
 * after power loss nothing is promised before an fsync.
 *
 * `async`: the device write of the range is started and not waited for. At most
 * `window` bytes a descriptor are on their way.
 *
 * A write without an offset of its own is followed by the whole file: its range
 * cannot be known when threads or processes share the offset, and the clean
 * part of a file costs nothing to skip (the page cache is searched by tag).
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>

#include "base.h"
#include "engine.h"
#include "sys.h"

/*
 * Copy and device overlap in steps of this size. Smaller steps lose more than
 * they win where folios are large: one that is on its way already is passed over
 * by the next step's start. Of 256 KiB to 2 MiB this was best or nearly best for
 * 8 MiB on ext4 and XFS, with small folios and with large ones.
 */
#define STEP_BYTES (1u << 20)

#define WAIT_FOR_EARLIER SYNC_FILE_RANGE_WAIT_BEFORE
#define START SYNC_FILE_RANGE_WRITE
#define START_AND_WAIT                                                                             \
	(SYNC_FILE_RANGE_WAIT_BEFORE | SYNC_FILE_RANGE_WRITE | SYNC_FILE_RANGE_WAIT_AFTER)

/* Not an answer about the disk, but about the call: go down the ladder. */
static bool is_refusal(int err)
{
	return err == -ENOSYS || err == -EPERM || err == -EOPNOTSUPP || err == -EINVAL ||
	       err == -ESPIPE;
}

static int sync_range(struct wt_target *target, int fd, struct wt_range range, unsigned int flags)
{
	int err = wt_sys.sync_file_range(fd, range.offset, range.len_bytes, flags);

	if (!is_refusal(err))
		return err;
	target->stale = wt_engine_is_stale(fd);
	if (target->stale)
		return 0;
	wt_filesystem_refuse(target->fs, WT_REFUSED_RANGE_SYNC);
	target->fell = WT_WHY_NO_RANGE_SYNC;
	return wt_engine_sync_file(fd, target->rule->level);
}

static struct wt_range range_of(const struct wt_target *target, const struct wt_io *io, size_t len)
{
	return target->has_offset ? (struct wt_range){ io->offset, len } : WT_WHOLE_FILE;
}

/*
 * Starts the range. What was started before is waited for when this write would
 * go over the window, so an error of it is told to this write.
 */
static int start_range(struct wt_target *target, const struct wt_io *io, size_t len)
{
	struct wt_range range = range_of(target, io, len);
	uint64_t window = target->rule->window_bytes;

	if (!target->started_bytes || len > window)
		return sync_range(target, io->fd, range, START_AND_WAIT);

	uint64_t started = atomic_fetch_add(target->started_bytes, len) + len;
	if (started > window) {
		atomic_store(target->started_bytes, len);
		int err = sync_range(target, io->fd, WT_WHOLE_FILE, WAIT_FOR_EARLIER);
		if (err)
			return err;
	}
	/* A page still on its way from an earlier write would be passed over by START alone. */
	return sync_range(target, io->fd, range, WAIT_FOR_EARLIER | START);
}

/*
 * Copies step by step, each handed to the device while the next is copied. No
 * step starts at RLIMIT_FSIZE: there the kernel cuts one large write short, and
 * sends SIGXFSZ only to one that begins past it.
 */
static ssize_t copy_in_steps(const struct wt_io *io)
{
	char *base = io->iov->iov_base;
	size_t len = wt_io_below_file_size_limit(io, io->iov->iov_len);
	size_t done = 0;

	if (!len)
		return wt_io_pass(io);

	while (done < len) {
		struct iovec iov = { base + done, len - done };
		if (iov.iov_len > STEP_BYTES)
			iov.iov_len = STEP_BYTES;
		struct wt_io step = *io;
		step.iov = &iov;
		step.offset = io->offset + done;

		ssize_t ret = wt_io_pass(&step);
		if (ret <= 0)
			return done ? (ssize_t)done : ret;
		done += ret;
		if ((size_t)ret < iov.iov_len)
			break;
		/* A refusal shows again when all is waited for. */
		if (done < len)
			wt_sys.sync_file_range(io->fd, step.offset, ret, START);
	}
	return done;
}

static bool in_steps(const struct wt_target *target, const struct wt_io *io)
{
	return io->call == WT_PWRITE && target->has_offset && io->iov->iov_len > STEP_BYTES &&
	       io->iov->iov_len <= WT_CALL_BYTES_MAX && !(target->fl & (O_DIRECT | O_DSYNC));
}

static ssize_t writeback_write(struct wt_target *target, const struct wt_io *io)
{
	bool async = target->rule->level == WT_LEVEL_ASYNC;
	struct wt_offset offset;

	if (wt_filesystem_refused(target->fs, WT_REFUSED_RANGE_SYNC)) {
		target->fell = WT_WHY_NO_RANGE_SYNC;
		return WT_DECLINED;
	}
	wt_offset_before(&offset, io);
	ssize_t ret = in_steps(target, io) ? copy_in_steps(io) : wt_io_pass(io);
	if (ret <= 0)
		return ret;
	wt_offset_after(&offset, io);
	target->in_two_calls = true;

	int err = async ? start_range(target, io, ret)
			: sync_range(target, io->fd, range_of(target, io, ret), START_AND_WAIT);
	if (err) {
		target->lost = true;
		wt_offset_restore(&offset, io);
		return err;
	}
	return ret;
}

const struct wt_engine wt_engine_writeback = {
	.name = "writeback",
	.id = WT_ENGINE_WRITEBACK,
	.write = writeback_write,
};
