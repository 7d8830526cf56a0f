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

/*
 * Whether an error can come from a wait for the disk. The other errors are about the call, and are
 * returned before any copy.
 */
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

/* Whether bytes may be lost: the write waited for the disk, and got an error of it. */
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
	bool has_result;
	bool is_suspect;
	bool excludes_direct;
	struct wt_inode_here *inode; /* for excludes_direct */
	struct wt_private_open private_open;
};

static void begin_suspicion(struct attempt *attempt)
{
	wt_waiter_hold_signals(&attempt->waiter);
	if (attempt->is_suspect)
		return;
	attempt->is_suspect = true;
	wt_suspect_begin(attempt->target->file);
	/* Each description gets the error by an fsync of its own, so no fdatasync is left out. */
	if (attempt->target->rule->fsync_elide)
		wt_elide_never(attempt->io->fd);
}

static bool is_stable_level(const struct wt_target *target)
{
	return target->rule->level >= WT_LEVEL_DSYNC;
}

/*
 * Registers the write's wait and decides what it waits on. Alone, it waits on the description. Else
 * it waits on a private opening, and on the description too only if the program's own flags make
 * it. Without a private opening its success is checked against the results of those that waited at
 * the same time.
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

/*
 * Whether the bytes were copied but are not on the disk. The cache is asked again at the end,
 * because another write may have overwritten them meanwhile.
 */
static bool are_bytes_lost(const struct wt_target *target, const struct wt_io *io,
			   const struct wt_outcome *outcome)
{
	return wt_readback_was_copied(target, io, outcome) &&
	       !wt_readback_is_on_disk(target, io, outcome) &&
	       wt_readback_was_copied(target, io, outcome);
}

/*
 * Releases what the write holds, also when its thread is cancelled in the write. If the write may
 * then have taken the report of its lost bytes, the error is kept for fsync.
 */
static void leave(struct attempt *attempt)
{
	const struct wt_target *target = attempt->target;
	struct wt_outcome *outcome = attempt->outcome;

	if (outcome->offset_token)
		wt_description_let_offset(target->description, outcome->offset_token);
	if (!attempt->has_result && attempt->waiter.waits &&
	    are_bytes_lost(target, attempt->io, outcome))
		wt_pending_error_keep(target->description, -EIO);
	if (attempt->is_suspect)
		wt_suspect_end(target->file);
	outcome->private_open = NULL;
	wt_waiter_leave(&attempt->waiter, !attempt->has_result);
	if (attempt->excludes_direct)
		wt_dio_exclusion_leave_cached(attempt->inode);
}

/*
 * Whether another wait may have got the error of this write. It has not if none of the overlapping
 * waits failed. While some of them still wait, the disk is asked first: if the bytes are there,
 * their end need not be awaited.
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
 * Whether the write failed after its bytes were copied. An error before the copy concerns no fsync:
 * the rest of a block that is written in part could not be read, or the disk is full.
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
 * An error that the wait took is still reported to the program: to an fsync of the description that
 * it was taken from, and, as the error is now marked as seen (errseq_sample), to descriptions
 * opened before an fsync has returned it.
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

/* A signal handler's writes have replaced the private opening, or a sandbox refuses its sync. */
static bool is_private_open_gone(ssize_t ret)
{
	return ret == -ESTALE || ret == -ECANCELED;
}

/*
 * Whether the write can be repeated: it names its offset, and is no stream or copy, which would go
 * on behind the first.
 */
static bool can_repeat(const struct attempt *attempt)
{
	return attempt->target->has_offset && attempt->io->call != WT_ACT;
}

/*
 * Writes the same bytes to the same place again, now with a wait on the description that is
 * registered before the copy.
 */
static ssize_t write_again(const struct wt_engine *engine, struct attempt *attempt)
{
	attempt->outcome->private_open = NULL;
	attempt->outcome->waits = WT_WAITS_AMONG_OTHERS;
	if (!attempt->waiter.waits)
		wt_waiter_begin(&attempt->waiter);
	return engine->write(attempt->target, attempt->io, attempt->outcome);
}

/* Writes through the cache, with a registered wait. Bytes, -errno or WT_DECLINED. */
static ssize_t write_watched(const struct wt_engine *engine, struct attempt *attempt)
{
	const struct wt_target *target = attempt->target;
	struct wt_outcome *outcome = attempt->outcome;

	if (target->rule->level != WT_LEVEL_ASYNC)
		enter(attempt);
	ssize_t ret = engine->write(target, attempt->io, outcome);
	if (unlikely(is_private_open_gone(ret)) && outcome->private_open && can_repeat(attempt))
		ret = write_again(engine, attempt);
	attempt->has_result = true;
	if (!outcome->copied && !is_about_disk(outcome->took))
		outcome->took = 0;
	bool waited_there = attempt->waiter.waits && !outcome->private_open && outcome->waited;
	if (is_lost(ret, outcome))
		begin_suspicion(attempt); /* before other waiters can find this wait ended */
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
 * Keeps an error of a direct write for every description of the file. The kernel records none for
 * O_DIRECT, but had the bytes gone through the cache, each description would have got it.
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

/* Moves the offset back, as after a write(2) that failed, unless somebody else has moved it on. */
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

/* The result of a write whose wait ended with an error that may belong to another write. */
static ssize_t resolve_error(const struct wt_engine *engine, const struct attempt *attempt,
			     ssize_t ret)
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
 * Verifies a success, which may be false for two reasons. An error of the file that was under
 * investigation meanwhile may be this write's too, so the bytes are read back. Or the file system
 * died and returns success to those who come later. `ret`, or -EIO.
 */
static ssize_t verify_success(struct attempt *attempt, ssize_t ret, uint32_t suspect,
			      bool is_direct)
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

/* Whether other threads may be writing the file past the cache at this moment. */
static bool is_written_directly(const struct wt_engine *engine, const struct wt_target *target)
{
	return engine->bypasses_cache ? wt_dio_exclusion_any_direct(target->file)
				      : target->fl & O_DIRECT;
}

static ssize_t write_and_verify(const struct wt_engine *engine, struct attempt *attempt)
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
		ret = verify_success(attempt, ret, suspect, is_written_directly(engine, target));
	return unlikely(attempt->is_suspect) ? resolve_error(engine, attempt, ret) : ret;
}

struct write {
	const struct wt_engine *engine;
	struct attempt attempt;
	ssize_t ret;
};

static void carry_out(void *arg)
{
	struct write *write = arg;

	write->ret = write_and_verify(write->engine, &write->attempt);
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

	/* This write is cancelled only where a write(2) is. */
	wt_thread_run(carry_out, leave_write, &write);
	return write.ret;
}
