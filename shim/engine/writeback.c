/* SPDX-License-Identifier: MIT */
/*
 * The writeback engine: copy into the page cache, then sync_file_range(2).
 *
 * `through`: with all three flags (WB_SYNC_ALL since 5.2, fs/sync.c) the pages are on the device
 * and clean when it returns, and an error of their writeback is returned. The device's cache is not
 * flushed and no metadata is committed: nothing is promised after a loss of power before an fsync.
 *
 * `async`: the writeback of the range is started and not waited for. At most `window` bytes of a
 * descriptor are under way.
 *
 * After a write without an offset of its own the whole file is waited for, since its range cannot
 * be known when threads or processes share the offset. The clean part of the file costs almost
 * nothing, as the page cache is searched by tag. Only `async` takes the range that the offset
 * shows: if another process has moved the offset, the bytes are started with the next window.
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
 * Copying and writeback overlap in steps of this size. Smaller steps lose more than they win with
 * large folios, as a folio that is under way already is skipped when the next step is started. Of
 * 256 KiB to 2 MiB this was best or nearly best for 8 MiB on ext4 and XFS, with small folios and
 * with large ones.
 */
#define STEP_BYTES (1u << 20)

#define INLINE_BYTES 4096 /* the most that btrfs keeps inline (btrfs(5), max_inline) */

#define WAIT_FOR_EARLIER SYNC_FILE_RANGE_WAIT_BEFORE
#define START SYNC_FILE_RANGE_WRITE
#define START_AND_WAIT                                                                             \
	(SYNC_FILE_RANGE_WAIT_BEFORE | SYNC_FILE_RANGE_WRITE | SYNC_FILE_RANGE_WAIT_AFTER)

/* Whether an error is about the call and not about the disk, so that a stronger call is tried. */
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
		outcome->private_open = NULL; /* it is this request of the ring that is refused */
	else
		wt_filesystem_refuse(target->fs, WT_REFUSED_RANGE_SYNC);
	return wt_engine_sync(target, fd, range, outcome);
}

/*
 * Starts the writeback of the copied range, for `async`. If the window would be exceeded, what was
 * started before is waited for, and its error is this write's.
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
	/* START alone would skip a page that is still under way for an earlier write. */
	return sync_range(target, fd, range, WAIT_FOR_EARLIER | START, outcome);
}

/*
 * Copies in steps. The device gets each step while the next one is copied, and it is waited for
 * before the one after that. An error of the device (*err) ends the copying. No step begins at
 * RLIMIT_FSIZE: the kernel cuts one large write short there, and sends SIGXFSZ only to a write that
 * begins at the limit or past it.
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
		/* A refusal shows again in the wait for the whole range. */
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
 * Whether the writeback may only be queued (btrfs). With compression the wait may have found
 * nothing under way yet. A small file is in the metadata, of which sync_file_range(2) writes
 * nothing.
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
 * btrfs writes adjacent dirty blocks as one extent. If one block fails it drops the whole extent,
 * even if the pages of the other blocks were clean before. Its FIEMAP waits until extents are in
 * their tree (btrfs_wait_ordered_range, fs/btrfs/fiemap.c); by then the error can be reported.
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
 * Waits for the copied bytes, also after an error in a step, so that nothing stays under way. Bytes
 * in the inode have no page. That is asked before the wait: if another write moves them to a page
 * afterwards, that page is dirty, and an fsync writes it.
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
