/* SPDX-License-Identifier: MIT */
/*
 * The dsync engine: copy into the page cache with RWF_DSYNC or RWF_SYNC.
 *
 * pwritev2(2): per-write O_DSYNC and O_SYNC, so the bytes, and the metadata
 * needed to read them back, are on stable storage when it returns. Level
 * `through` is served too where sync_file_range means nothing: it is stronger.
 *
 * A write that appends or moves an offset, and one that has a private opening, is copied and
 * synced in two calls: after an error it must be known where the bytes went.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <sys/uio.h>

#include "engine/engine.h"
#include "os/sys.h"

/* The copy alone is O_DSYNC to a description that the program opened so. */
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

/* pwritev2 cuts such a length before it looks at the address; write and pwrite look first. */
static bool is_oversized(const struct wt_io *io)
{
	return wt_io_is_scalar(io) && io->iov->iov_len > WT_CALL_BYTES_MAX;
}

/*
 * One call cannot say where it went where it appends or moves an offset, and waits on the
 * description that it writes to.
 */
static bool in_one_call(const struct wt_target *target, const struct wt_io *io,
			const struct wt_outcome *outcome)
{
	return target->has_offset && !outcome->private_open && io->call != WT_ACT &&
	       !is_oversized(io);
}

/* The answer of the one call. Not all of it may have been copied when an error came. */
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
		outcome->start =
			io->offset; /* known before: the call may be where a thread is cancelled */
		ssize_t ret = wt_io_pass_flagged(
			io, wt_engine_rwf(target->rule->level, target->may_be_inline));

		/* A flag that the program itself passed may be what is refused. */
		if (!wt_sys_is_refusal(ret) || io->flags)
			return answered(ret, outcome);
		/*
		 * A sealed or immutable file answers EPERM to any write, a sandbox to this call.
		 * And a bad argument is EINVAL to any write, a file without a sync only to this
		 * one, which has carried it out before it says so.
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
