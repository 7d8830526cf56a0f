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
 * part of a file costs nothing to skip (the page cache is searched by tag). Only `async` takes the
 * place that the offset tells: what another process has pushed aside is started with the next
 * window.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/fiemap.h>

#include "base/base.h"
#include "engine/engine.h"
#include "os/sys.h"
#include "state/inline_data.h"

/*
 * Copy and device overlap in steps of this size. Smaller steps lose more than
 * they win where folios are large: one that is on its way already is passed over
 * by the next step's start. Of 256 KiB to 2 MiB this was best or nearly best for
 * 8 MiB on ext4 and XFS, with small folios and with large ones.
 */
#define STEP_BYTES (1u << 20)

#define INLINE_BYTES 4096 /* btrfs(5), max_inline */

#define WAIT_FOR_EARLIER SYNC_FILE_RANGE_WAIT_BEFORE
#define START SYNC_FILE_RANGE_WRITE
#define START_AND_WAIT                                                                             \
	(SYNC_FILE_RANGE_WAIT_BEFORE | SYNC_FILE_RANGE_WRITE | SYNC_FILE_RANGE_WAIT_AFTER)

/* Not an answer about the disk, but about the call: go down the ladder. */
static bool is_refusal(int err)
{
	return wt_sys_is_refusal(err) || err == -ESPIPE;
}

static int sync_range(const struct wt_target *target, int fd, struct wt_range range,
		      unsigned int flags, struct wt_outcome *outcome)
{
	bool privately = outcome->private_open && flags == START_AND_WAIT;
	int err = privately ? wt_private_open_wait(outcome->private_open, range)
			    : wt_sys.sync_file_range(fd, range.offset, range.len_bytes, flags);

	if (!is_refusal(err))
		return err;
	outcome->stale = wt_engine_is_stale(fd);
	if (outcome->stale)
		return 0;
	outcome->fell = WT_WHY_NO_RANGE_SYNC;
	if (privately)
		outcome->private_open = NULL; /* what is refused is this request of the ring */
	else
		wt_filesystem_refuse(target->fs, WT_REFUSED_RANGE_SYNC);
	return wt_engine_sync(target, fd, range, outcome);
}

/*
 * Starts the range. What was started before is waited for when this write would
 * go over the window, so an error of it is told to this write.
 */
static int start_range(const struct wt_target *target, int fd, struct wt_outcome *outcome)
{
	size_t len = outcome->copied;
	struct wt_range range =
		outcome->start < 0 ? WT_WHOLE_FILE : (struct wt_range){ outcome->start, len };
	uint64_t window = target->rule->window_bytes;

	if (!target->started_bytes || len > window)
		return sync_range(target, fd, range, START_AND_WAIT, outcome);

	uint64_t started = atomic_fetch_add(target->started_bytes, len) + len;
	if (started > window) {
		atomic_store(target->started_bytes, len);
		int err = sync_range(target, fd, WT_WHOLE_FILE, WAIT_FOR_EARLIER | START, outcome);
		if (err)
			return err;
	}
	/* A page still on its way from an earlier write would be passed over by START alone. */
	return sync_range(target, fd, range, WAIT_FOR_EARLIER | START, outcome);
}

/*
 * Copies step by step, each handed to the device while the next is copied, and waited for
 * before the one after that: an error of the device (*err) ends the copying. No
 * step starts at RLIMIT_FSIZE: there the kernel cuts one large write short, and
 * sends SIGXFSZ only to one that begins past it.
 */
static ssize_t copy_in_steps(const struct wt_target *target, const struct wt_io *io, int *err,
			     struct wt_outcome *outcome)
{
	char *base = io->iov->iov_base;
	size_t len = wt_io_below_file_size_limit(io, io->iov->iov_len);
	struct wt_range before = { io->offset, 0 };
	size_t done = 0;

	while (done < len && !*err) {
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
		outcome->copied = done;
		if ((size_t)ret < iov.iov_len || done == len)
			break;
		/* A refusal shows again when all is waited for. */
		wt_sys.sync_file_range(io->fd, step.offset, ret, START);
		if (before.len_bytes && target->rule->level != WT_LEVEL_ASYNC)
			*err = sync_range(target, io->fd, before, START_AND_WAIT, outcome);
		before = (struct wt_range){ step.offset, ret };
	}
	return len ? (ssize_t)done : wt_io_pass(io);
}

static bool in_steps(const struct wt_target *target, const struct wt_io *io)
{
	return io->call == WT_PWRITE && target->has_offset && io->iov->iov_len > STEP_BYTES &&
	       io->iov->iov_len <= WT_CALL_BYTES_MAX && !(target->fl & (O_DIRECT | O_DSYNC));
}

/*
 * Where compression comes first the wait may have found nothing on its way yet; and what is small
 * enough lies in the metadata, of which it starts nothing.
 */
static bool is_only_queued(const struct wt_target *target, int fd, struct wt_outcome *outcome)
{
	struct wt_pages pages;
	struct stat st;

	if (!(target->fs->kind->flags & WT_FS_QUEUES))
		return false;
	if (outcome->start < 0 || wt_sys.identify(fd, &st) || st.st_size <= INLINE_BYTES)
		return true;
	if (!wt_sys.cachestat(fd, outcome->start, outcome->copied, &pages) && !pages.unclean)
		return false;
	outcome->fell = WT_WHY_QUEUED;
	return true;
}

/*
 * btrfs writes what was dirty side by side as one extent, and drops all of it where one block
 * failed, though the pages of the others were clean before. Its FIEMAP waits until extents are in
 * their tree (btrfs_wait_ordered_range, fs/btrfs/fiemap.c); the error is there to be told by then.
 */
static int wait_for_extent(const struct wt_target *target, int fd, struct wt_outcome *outcome)
{
	bool placed = outcome->start >= 0;
	struct fiemap map = {
		.fm_start = placed ? outcome->start : 0,
		.fm_length = placed ? outcome->copied : FIEMAP_MAX_OFFSET,
		.fm_flags = FIEMAP_FLAG_SYNC,
	};

	if (!(target->fs->kind->flags & WT_FS_EXTENTS))
		return 0;
	wt_sys.fiemap(fd, &map);
	return sync_range(target, fd, wt_engine_range(target, outcome), START_AND_WAIT, outcome);
}

/*
 * Whatever went wrong in a step, nothing of it is left on its way. What lies in the inode has no
 * page, which is asked before the wait: if another write moves it to a page afterwards, that is
 * dirty, and an fsync has it.
 */
static int sync_copied(const struct wt_target *target, int fd, int err, struct wt_outcome *outcome)
{
	if (unlikely(target->may_be_inline) && wt_inline_is(fd)) {
		int synced = wt_engine_sync(target, fd, WT_WHOLE_FILE, outcome);

		return err ? err : synced;
	}
	if (target->rule->level == WT_LEVEL_ASYNC && !err)
		return start_range(target, fd, outcome);
	int rest =
		sync_range(target, fd, wt_engine_range(target, outcome), START_AND_WAIT, outcome);
	if (!rest && !outcome->stale)
		rest = wait_for_extent(target, fd, outcome);
	if (!rest && is_only_queued(target, fd, outcome))
		rest = wt_engine_sync(target, fd, wt_engine_range(target, outcome), outcome);
	return err ? err : rest;
}

static ssize_t writeback_write(const struct wt_target *target, const struct wt_io *io,
			       struct wt_outcome *outcome)
{
	int err = 0;
	ssize_t ret;

	if (wt_filesystem_refused(target->fs, WT_REFUSED_RANGE_SYNC)) {
		outcome->fell = WT_WHY_NO_RANGE_SYNC;
		return WT_DECLINED;
	}
	outcome->start = io->offset;
	ret = in_steps(target, io) ? copy_in_steps(target, io, &err, outcome)
				   : wt_engine_copy(target, io, outcome);
	if (ret <= 0)
		return ret;
	outcome->in_two_calls = true;
	err = sync_copied(target, io->fd, err, outcome);
	if (outcome->stale)
		return ret;
	return wt_engine_waited(err, ret, outcome);
}

const struct wt_engine wt_engine_writeback = {
	.name = "writeback",
	.id = WT_ENGINE_WRITEBACK,
	.write = writeback_write,
};
