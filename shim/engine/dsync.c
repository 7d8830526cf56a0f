/* SPDX-License-Identifier: MIT */
/*
 * The dsync engine: copy into the page cache with RWF_DSYNC or RWF_SYNC.
 *
 * These are O_DSYNC and O_SYNC for one write (pwritev2(2)): the bytes, and the metadata needed to
 * read them back, are on stable storage when it returns. The engine also serves level `through`
 * where sync_file_range(2) does not reach the device, as it is stronger.
 *
 * A write that appends or moves an offset, and a write with a private opening, is copied and synced
 * in two calls: after an error it must be known where the bytes went.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <sys/uio.h>

#include "engine/engine.h"
#include "os/sys.h"

/* Copies and syncs in two calls. The program's own O_DSYNC makes the copy alone a wait too. */
static ssize_t copy_and_sync(const struct wt_target *target, const struct wt_io *io,
			     struct wt_outcome *outcome)
{
	ssize_t ret = wt_engine_copy(target, io, outcome);

	if (ret <= 0)
		return ret;
	outcome->in_two_calls = true;
	int err = wt_engine_sync(target, io->fd, wt_engine_range(target, outcome), outcome);
	if (outcome->stale)
		return ret;
	return wt_engine_waited(err, ret, outcome);
}

/*
 * Whether the length is more than one call writes: pwritev2 cuts it before it checks the address,
 * while write and pwrite check first.
 */
static bool is_oversized(const struct wt_io *io)
{
	return wt_io_is_scalar(io) && io->iov->iov_len > WT_CALL_BYTES_MAX;
}

/*
 * Whether one call can carry the write. It cannot say where the bytes went if it appends or moves
 * an offset, and it waits on the description that it writes to.
 */
static bool in_one_call(const struct wt_target *target, const struct wt_io *io,
			const struct wt_outcome *outcome)
{
	return target->has_offset && !outcome->private_open && io->call != WT_ACT &&
	       !is_oversized(io);
}

/* Records the result of the one call. On an error only a part may have been copied. */
static ssize_t answered(ssize_t ret, struct wt_outcome *outcome)
{
	outcome->waited = true;
	outcome->copied = ret > 0 ? ret : 0;
	if (ret < 0)
		outcome->took = ret;
	return ret;
}

static ssize_t dsync_write(const struct wt_target *target, const struct wt_io *io,
			   struct wt_outcome *outcome)
{
	if (!in_one_call(target, io, outcome))
		return copy_and_sync(target, io, outcome);
	if (!wt_filesystem_refused(target->fs, WT_REFUSED_RWF_DSYNC)) {
		/* Set before the call, which may be cancelled. */
		outcome->start = io->offset;
		ssize_t ret = wt_io_pass_flagged(
			io, wt_engine_rwf(target->rule->level, target->may_be_inline));

		/* The refusal may concern a flag that the program itself passed. */
		if (!wt_sys_is_refusal(ret) || io->flags)
			return answered(ret, outcome);
		/*
		 * EPERM comes from a sealed or immutable file, for every write, or from a sandbox,
		 * for this call. EINVAL comes from a bad argument, for every write, or from a file
		 * that cannot be synced, for this call only, after the bytes were written. A second
		 * try in two calls tells which.
		 */
		if (ret == -EPERM || ret == -EINVAL) {
			ssize_t again = copy_and_sync(target, io, outcome);

			if (again != ret && !outcome->uncovered)
				outcome->fell = WT_WHY_NO_RWF_DSYNC;
			return again;
		}
		if (wt_engine_is_stale(io->fd)) {
			outcome->stale = true;
			return wt_io_pass(io);
		}
		wt_filesystem_refuse(target->fs, WT_REFUSED_RWF_DSYNC);
	}
	outcome->fell = WT_WHY_NO_RWF_DSYNC;
	return copy_and_sync(target, io, outcome);
}

const struct wt_engine wt_engine_dsync = {
	.name = "dsync",
	.id = WT_ENGINE_DSYNC,
	.write = dsync_write,
};
