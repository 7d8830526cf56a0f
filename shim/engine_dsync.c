/* SPDX-License-Identifier: MIT */
/*
 * The dsync engine: copy into the page cache with RWF_DSYNC or RWF_SYNC.
 *
 * pwritev2(2): per-write O_DSYNC and O_SYNC, so the bytes, and the metadata
 * needed to read them back, are on stable storage when it returns. The kernel
 * knows the range itself, with and without an offset, and leaves the offset
 * where it was when the write fails (ksys_write, fs/read_write.c). Level
 * `through` is served too where sync_file_range means nothing: it is stronger.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <sys/uio.h>

#include "engine.h"
#include "sys.h"

/* No per-write flag here: copy, then sync the whole file. */
static ssize_t copy_and_sync(struct wt_target *target, const struct wt_io *io)
{
	struct wt_offset offset;

	wt_offset_before(&offset, io);
	ssize_t ret = wt_io_pass(io);
	if (ret <= 0)
		return ret;
	wt_offset_after(&offset, io);
	target->in_two_calls = true;
	int err = wt_engine_sync_file(io->fd, target->rule->level);
	if (err == -EINVAL)
		target->stale = wt_engine_is_stale(io->fd);
	if (err && !target->stale) {
		target->lost = true;
		wt_offset_restore(&offset, io);
		return err;
	}
	return ret;
}

/* pwritev2 cuts such a length before it looks at the address; write and pwrite look first. */
static bool is_oversized(const struct wt_io *io)
{
	return wt_io_is_scalar(io) && io->iov->iov_len > WT_CALL_BYTES_MAX;
}

static ssize_t dsync_write(struct wt_target *target, const struct wt_io *io)
{
	if (is_oversized(io))
		return copy_and_sync(target, io);
	if (!wt_filesystem_refused(target->fs, WT_REFUSED_RWF_DSYNC)) {
		ssize_t ret = wt_io_pass_flagged(io, wt_engine_rwf(target->rule->level));

		/* A flag that the program itself passed may be what is refused. */
		if ((ret != -EOPNOTSUPP && ret != -ENOSYS && ret != -EPERM) || io->flags)
			return ret;
		/* A sealed or immutable file answers EPERM to any write, a sandbox to this call. */
		if (ret == -EPERM) {
			ret = copy_and_sync(target, io);
			target->fell = ret == -EPERM ? WT_WHY_NONE : WT_WHY_NO_RWF_DSYNC;
			return ret;
		}
		if (wt_engine_is_stale(io->fd)) {
			target->stale = true;
			return wt_io_pass(io);
		}
		wt_filesystem_refuse(target->fs, WT_REFUSED_RWF_DSYNC);
	}
	target->fell = WT_WHY_NO_RWF_DSYNC;
	return copy_and_sync(target, io);
}

const struct wt_engine wt_engine_dsync = {
	.name = "dsync",
	.id = WT_ENGINE_DSYNC,
	.write = dsync_write,
};
