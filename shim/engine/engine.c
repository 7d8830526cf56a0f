/* SPDX-License-Identifier: MIT */
/* What the engines share, and the engine `none`, which leaves a write to the kernel. */
#define _GNU_SOURCE
#include "engine/engine.h"

#include <fcntl.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/base.h"
#include "os/sys.h"
#include "state/config.h"

int wt_engine_rwf(enum wt_level level, bool may_be_inline)
{
	return level == WT_LEVEL_SYNC || may_be_inline ? RWF_SYNC : RWF_DSYNC;
}

/*
 * For an fsync that returned EINVAL: the file has no such operation, as most files in which the
 * kernel shows itself. The kernel has taken the bytes all the same. Under WT_STRICT nothing may be
 * written uncovered, and such a file looked like any other when it was opened, so the write fails
 * with -EIO.
 */
static int cannot_be_synced(int fd, struct wt_outcome *outcome)
{
	outcome->stale = wt_engine_is_stale(fd);
	if (!outcome->stale)
		outcome->uncovered = WT_WHY_NO_SYNC;
	return !outcome->stale && wt_config.strict ? -EIO : 0;
}

int wt_engine_sync(const struct wt_target *target, int fd, struct wt_range range,
		   struct wt_outcome *outcome)
{
	bool datasync = target->rule->level != WT_LEVEL_SYNC && !target->may_be_inline;
	int err;

	if (outcome->private_open)
		err = wt_private_open_sync(outcome->private_open, range, datasync);
	else
		err = datasync ? wt_sys.fdatasync(fd) : wt_sys.fsync(fd);
	return unlikely(err == -EINVAL) ? cannot_be_synced(fd, outcome) : err;
}

/* A wait on a private opening takes no error from the program's description. */
ssize_t wt_engine_waited(int err, ssize_t ret, struct wt_outcome *outcome)
{
	outcome->waited = true;
	if (err && !outcome->private_open)
		outcome->took = err;
	return err ? err : ret;
}

/* Without an offset in the call, another thread or process may have moved the description's. */
struct wt_range wt_engine_range(const struct wt_target *target, const struct wt_outcome *outcome)
{
	return target->has_offset ? (struct wt_range){ outcome->start, outcome->copied }
				  : WT_WHOLE_FILE;
}

bool wt_engine_is_stale(int fd)
{
	struct stat st;

	return !wt_sys.identify(fd, &st) && !S_ISREG(st.st_mode);
}

bool wt_engine_waits_itself(const struct wt_target *target, const struct wt_io *io)
{
	return target->fl & (O_DSYNC | O_DIRECT) || io->flags & (RWF_DSYNC | RWF_SYNC);
}

static off_t size_of(int fd)
{
	struct stat st;

	return wt_sys.identify(fd, &st) ? WT_OFFSET_NONE : st.st_size;
}

/*
 * Finds where the bytes of a write are that named no place. They end at the description's new
 * offset; but a pwrite to an O_APPEND descriptor moves no offset, and its bytes are where the file
 * has grown by as many.
 */
static void find_start(const struct wt_target *target, const struct wt_io *io, off_t size,
		       ssize_t ret, struct wt_outcome *outcome)
{
	outcome->offset_after = wt_sys.lseek(io->fd, 0, SEEK_CUR);
	if (!wt_description_let_offset(target->description, outcome->offset_token) || ret <= 0)
		return;
	if (io->call == WT_ACT && io->act->moves)
		return;
	if (io->offset == WT_OFFSET_NONE && outcome->offset_after >= ret)
		outcome->start = outcome->offset_after - ret;
	else if (io->offset != WT_OFFSET_NONE && size_of(io->fd) == size + ret)
		outcome->start = size;
}

ssize_t wt_engine_copy(const struct wt_target *target, const struct wt_io *io,
		       struct wt_outcome *outcome)
{
	off_t size = 0;

	outcome->start = target->has_offset ? io->offset : WT_OFFSET_NONE;
	outcome->copied = 0;
	if (!target->has_offset) {
		outcome->offset_token = wt_description_hold_offset(target->description);
		outcome->offset_before = wt_sys.lseek(io->fd, 0, SEEK_CUR);
		if (io->offset != WT_OFFSET_NONE)
			size = size_of(io->fd);
	}
	ssize_t ret = wt_io_pass(io);
	/* If it was opened O_DSYNC, an error of the copy is the program's, as without libwt. */
	if (ret > 0)
		outcome->copied = ret;
	else
		outcome->waited = wt_engine_waits_itself(target, io);
	if (!target->has_offset)
		find_start(target, io, size, ret, outcome);
	outcome->offset_token = 0;
	return ret;
}

/* The reason was reported when the engine was chosen. */
static ssize_t none_write(const struct wt_target *target, const struct wt_io *io,
			  struct wt_outcome *outcome)
{
	(void)target, (void)outcome;
	return wt_io_pass(io);
}

const struct wt_engine wt_engine_none = {
	.name = "none",
	.id = WT_ENGINE_NONE,
	.write = none_write,
};
