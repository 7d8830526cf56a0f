/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#include "core/attribution.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "base/base.h"
#include "core/readback.h"
#include "core/waiter.h"
#include "os/sys.h"
#include "os/thread.h"
#include "report/stats.h"
#include "ring/ring.h"
#include "state/dio_exclusion.h"
#include "state/elide.h"
#include "state/fdtable.h"
#include "state/journal.h"
#include "state/pending_error.h"
#include "state/suspect.h"

/* What a wait can be told of the disk; the rest is said of the call, before any copy. */
static bool is_about_disk(ssize_t ret)
{
	switch (ret) {
	case -EBADF:
	case -EFAULT:
	case -EFBIG:
	case -EINTR:
	case -ESPIPE:
	case -ETXTBSY:
	case -EAGAIN:
		return false;
	}
	return ret < 0 && ret != WT_DECLINED && !wt_sys_is_refusal(ret);
}

static bool is_lost(ssize_t ret, const struct wt_outcome *outcome)
{
	return unlikely(ret < 0) && ret != WT_DECLINED && outcome->waited &&
	       (outcome->copied || is_about_disk(ret));
}

/* The state of one write, from joining the waiters to returning the result. */
struct attempt {
	const struct wt_target *target;
	const struct wt_io *io;
	struct wt_outcome *outcome;
	struct wt_waiter waiter;
	bool answered;
	bool is_suspect;
	bool excludes_direct;
	struct wt_inode_here *inode; /* for that */
	struct wt_private_open private_open;
};

static void begin_suspicion(struct attempt *attempt)
{
	wt_waiter_hold_signals(&attempt->waiter);
	if (attempt->is_suspect)
		return;
	attempt->is_suspect = true;
	wt_suspect_begin(attempt->target->file);
	/* From here on each description has to be told by an fsync of its own. */
	if (attempt->target->rule->fsync_elide)
		wt_elide_never(attempt->io->fd);
}

static bool is_stable_level(const struct wt_target *target)
{
	return target->rule->level >= WT_LEVEL_DSYNC;
}

/*
 * Alone, the write waits on the description. Else on a private opening, and on the description only
 * if the program's own flags make it. Without a private opening its success is held against the
 * answers of those that waited at the same time.
 */
static void enter(struct attempt *attempt)
{
	const struct wt_target *target = attempt->target;
	struct wt_outcome *outcome = attempt->outcome;
	bool externally_shared = wt_description_is_externally_shared(target->description);

	wt_waiter_begin(&attempt->waiter);
	if (attempt->waiter.wait.was_alone && !externally_shared)
		return;
	enum wt_reason why = wt_private_open_get(&attempt->private_open, attempt->io->fd);
	outcome->waits = why ? WT_WAITS_AMONG_OTHERS : WT_WAITS_PRIVATELY;
	if (why) {
		if (externally_shared)
			wt_stats_event(WT_EVENT_ERRORS_SHARED, attempt->io->fd, NULL, NULL,
				       wt_reason_text(why));
		return;
	}
	outcome->private_open = &attempt->private_open;
	if (!wt_engine_waits_itself(target, attempt->io))
		wt_waiter_end(&attempt->waiter, false);
}

/* Copied, not on the disk, and not because somebody has overwritten them. */
static bool are_bytes_lost(const struct wt_target *target, const struct wt_io *io,
			   const struct wt_outcome *outcome)
{
	return wt_readback_was_copied(target, io, outcome) &&
	       !wt_readback_is_on_disk(target, io, outcome) &&
	       wt_readback_was_copied(target, io, outcome);
}

/*
 * The write may be where a thread is cancelled: what it holds is let go all the same, and where
 * it may have been told of its bytes' loss, fsync is.
 */
static void leave(struct attempt *attempt)
{
	const struct wt_target *target = attempt->target;
	struct wt_outcome *outcome = attempt->outcome;

	if (outcome->offset_token)
		wt_description_let_offset(target->description, outcome->offset_token);
	if (!attempt->answered && attempt->waiter.waits &&
	    are_bytes_lost(target, attempt->io, outcome))
		wt_pending_error_keep(target->description, -EIO);
	if (attempt->is_suspect)
		wt_suspect_end(target->file);
	outcome->private_open = NULL;
	wt_waiter_leave(&attempt->waiter, !attempt->answered);
	if (attempt->excludes_direct)
		wt_dio_exclusion_leave_cached(attempt->inode);
}

/*
 * Another wait may have been told what was this write's to hear: the disk knows, and so do the
 * others, when they have ended.
 */
static bool is_in_doubt(const struct attempt *attempt)
{
	uint64_t description = attempt->target->description;

	return wt_description_was_shared(description, &attempt->waiter.wait) &&
	       (wt_description_others_ended(description, &attempt->waiter.wait) ||
		!wt_readback_is_on_disk(attempt->target, attempt->io, attempt->outcome)) &&
	       wt_description_others_failed(description, &attempt->waiter.wait);
}

/*
 * Before the copy a write of part of a block may have failed at the read of the rest, and any
 * at a full disk, which concerns no fsync.
 */
static bool was_copied(const struct wt_target *target, const struct wt_io *io, int err,
		       const struct wt_outcome *outcome)
{
	unsigned int unit = target->dio_file_align ? target->dio_file_align : 4096;
	struct wt_pages pages;

	if (outcome->copied || outcome->start < 0)
		return true;
	if (err == -ENOSPC || err == -EDQUOT)
		return wt_readback_was_copied(target, io, outcome);
	if (wt_io_is_scalar(io) && !((outcome->start | io->iov->iov_len) % unit))
		return true;
	return wt_sys.cachestat(io->fd, outcome->start, 1, &pages) || pages.cached;
}

/*
 * What a wait took is told all the same: to the fsync of the description it was taken from, and,
 * as it is marked as seen, to what is opened before an fsync was told (errseq_sample).
 */
static void keep_error(const struct attempt *attempt, int err)
{
	const struct wt_target *target = attempt->target;
	const struct wt_outcome *outcome = attempt->outcome;
	bool own = wt_engine_waits_itself(target, attempt->io) && !outcome->copied;

	if (own || !was_copied(target, attempt->io, err, outcome))
		return;
	if (outcome->took)
		wt_pending_error_keep(target->description, outcome->took);
	wt_pending_error_keep_for_later(attempt->io->fd, err);
}

/* Put out of its ring by a handler's writes, or refused by a sandbox that came late. */
static bool is_private_open_gone(ssize_t ret)
{
	return ret == -ESTALE || ret == -ECANCELED;
}

/* What is the same a second time. A copy would go on behind the first. */
static bool can_repeat(const struct attempt *attempt)
{
	return attempt->target->has_offset && attempt->io->call != WT_ACT;
}

/* The same bytes to the same place, and with a wait of its own from before that. */
static ssize_t write_again(const struct wt_engine *engine, struct attempt *attempt)
{
	attempt->outcome->private_open = NULL;
	attempt->outcome->waits = WT_WAITS_AMONG_OTHERS;
	if (!attempt->waiter.waits)
		wt_waiter_begin(&attempt->waiter);
	return engine->write(attempt->target, attempt->io, attempt->outcome);
}

static ssize_t write_watched(const struct wt_engine *engine, struct attempt *attempt)
{
	const struct wt_target *target = attempt->target;
	struct wt_outcome *outcome = attempt->outcome;

	if (target->rule->level != WT_LEVEL_ASYNC)
		enter(attempt);
	ssize_t ret = engine->write(target, attempt->io, outcome);
	if (unlikely(is_private_open_gone(ret)) && outcome->private_open && can_repeat(attempt))
		ret = write_again(engine, attempt);
	attempt->answered = true;
	if (!outcome->copied && !is_about_disk(outcome->took))
		outcome->took = 0;
	bool waited_there = attempt->waiter.waits && !outcome->private_open && outcome->waited;
	if (is_lost(ret, outcome))
		begin_suspicion(attempt); /* before others can find this wait ended */
	wt_waiter_end(&attempt->waiter, outcome->waited && ret < 0);
	if (outcome->took || is_lost(ret, outcome))
		keep_error(attempt, outcome->took ? outcome->took : ret);
	if (ret > 0 && waited_there && is_in_doubt(attempt)) {
		begin_suspicion(attempt);
		ret = -EIO;
	}
	return ret;
}

/*
 * The kernel records no error of an O_DIRECT write, but every description of the file would
 * have been told of these bytes, had they gone through the cache.
 */
static void keep_error_for_all(int written_fd, int err)
{
	struct stat written, st;

	if (wt_sys.identify(written_fd, &written))
		return;
	wt_pending_error_keep_for_later(written_fd, err);
	for (int fd = wt_fdtable_next_ruled(0); fd >= 0; fd = wt_fdtable_next_ruled(fd + 1)) {
		if (!wt_sys.identify(fd, &st) && wt_is_same_file(&st, &written))
			wt_pending_error_keep(wt_fdtable_description(fd), err);
	}
}

/* As after a write(2) that failed, unless somebody else has moved the offset on. */
static void restore_offset(const struct wt_target *target, const struct wt_io *io,
			   const struct wt_outcome *outcome)
{
	if (io->offset != WT_OFFSET_NONE || !outcome->copied || outcome->offset_before < 0)
		return;
	uint32_t token = wt_description_hold_offset(target->description);
	if (wt_sys.lseek(io->fd, 0, SEEK_CUR) == outcome->offset_after)
		wt_sys.lseek(io->fd, outcome->offset_before, SEEK_SET);
	wt_description_let_offset(target->description, token);
}

/* A wait of the write ended with an error, that may be another's. */
static ssize_t settle(const struct wt_engine *engine, const struct attempt *attempt, ssize_t ret)
{
	const struct wt_target *target = attempt->target;
	const struct wt_outcome *outcome = attempt->outcome;
	const struct wt_io *io = attempt->io;

	if (target->rule->level != WT_LEVEL_ASYNC)
		ret = wt_readback(target, io, ret, outcome);
	if (is_private_open_gone(ret))
		ret = -EIO;
	if (ret < 0)
		restore_offset(target, io, outcome);
	if (engine->bypasses_cache && (ret == -EIO || (ret < 0 && outcome->took)))
		keep_error_for_all(io->fd, ret);
	return ret;
}

/*
 * A success is not believed where a neighbour's error may have been this write's too, nor where the
 * file system died and tells success to whoever comes after that.
 */
static ssize_t doubt(struct attempt *attempt, ssize_t ret, uint32_t suspect, bool is_direct)
{
	const struct wt_target *target = attempt->target;
	const struct wt_outcome *outcome = attempt->outcome;

	if (outcome->waited && target->rule->level != WT_LEVEL_ASYNC &&
	    wt_suspect_since(target->file, suspect) &&
	    !wt_readback_is_on_disk(target, attempt->io, outcome))
		ret = -EIO;
	else if ((is_stable_level(target) || target->may_be_inline) &&
		 wt_journal_has_died(target->fs, attempt->io->fd, is_direct)) {
		ret = -EIO;
		wt_pending_error_keep(target->description, ret);
		wt_pending_error_keep_for_later(attempt->io->fd, ret);
	}
	if (ret < 0)
		begin_suspicion(attempt);
	return ret;
}

/* Whether others may be writing the file past the cache at this moment. */
static bool is_written_directly(const struct wt_engine *engine, const struct wt_target *target)
{
	return engine->bypasses_cache ? wt_dio_exclusion_any_direct(target->file)
				      : target->fl & O_DIRECT;
}

static ssize_t answer(const struct wt_engine *engine, struct attempt *attempt)
{
	const struct wt_target *target = attempt->target;
	struct wt_outcome *outcome = attempt->outcome;
	bool watched = !engine->bypasses_cache && engine->id != WT_ENGINE_NONE;
	uint32_t suspect = wt_suspect_of(target->file);

	if (attempt->excludes_direct)
		wt_dio_exclusion_take_cached(attempt->inode, !wt_ring_is_busy());
	if (watched)
		wt_waiter_hold_signals(&attempt->waiter);
	if (is_stable_level(target))
		wt_waiter_exclude(&attempt->waiter, target->fs);
	ssize_t ret = watched ? write_watched(engine, attempt)
			      : engine->write(target, attempt->io, outcome);
	wt_waiter_include(&attempt->waiter);
	if (is_lost(ret, outcome))
		begin_suspicion(attempt);
	else if (ret > 0)
		ret = doubt(attempt, ret, suspect, is_written_directly(engine, target));
	return unlikely(attempt->is_suspect) ? settle(engine, attempt, ret) : ret;
}

struct write {
	const struct wt_engine *engine;
	struct attempt attempt;
	ssize_t ret;
};

static void carry_out(void *arg)
{
	struct write *write = arg;

	write->ret = answer(write->engine, &write->attempt);
}

static void leave_write(void *arg)
{
	struct write *write = arg;

	leave(&write->attempt);
}

ssize_t wt_attribution_write(const struct wt_engine *engine, const struct wt_target *target,
			     const struct wt_io *io, bool beside_direct, struct wt_outcome *outcome)
{
	struct write write = {
		.engine = engine,
		.attempt = {
			.target = target,
			.io = io,
			.outcome = outcome,
			.waiter = { .description = target->description, .file = target->file },
			.excludes_direct = beside_direct,
			.inode = beside_direct ? wt_inode_here(target->file) : NULL,
		},
	};

	/* Only where a write(2) is cancelled. */
	wt_thread_run(carry_out, leave_write, &write);
	return write.ret;
}
