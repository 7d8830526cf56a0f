/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#include "core/exact.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "base/base.h"
#include "core/judge.h"
#include "os/sys.h"
#include "os/thread.h"
#include "report/stats.h"
#include "ring/ring.h"
#include "state/elide.h"
#include "state/fdtable.h"
#include "state/journal.h"
#include "state/owed.h"
#include "state/trouble.h"
#include "state/turn.h"

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

static bool is_lost(const struct wt_target *target, ssize_t ret)
{
	return unlikely(ret < 0) && ret != WT_DECLINED && target->waited &&
	       (target->copied || is_about_disk(ret));
}

/* One write, from the look who else is there to the answer. */
struct visit {
	struct wt_target *target;
	const struct wt_io *io;
	uint64_t description;
	struct wt_wait wait;
	bool waits; /* on the description itself: wait is registered */
	bool answered;
	bool in_trouble;
	bool holds_signals;
	uint32_t turn_token; /* 0: it is not this write's turn, or none is needed */
	struct wt_signals signals;
	struct wt_witness witness;
};

/* As they are in a write(2) of a file: a handler could jump out of it, and of what it holds here.
 */
static void hold_signals(struct visit *visit)
{
	if (!visit->holds_signals)
		wt_sys_hold_signals(&visit->signals);
	visit->holds_signals = true;
}

static void begin_trouble(struct visit *visit)
{
	hold_signals(visit);
	if (visit->in_trouble)
		return;
	visit->in_trouble = true;
	wt_trouble_begin(visit->target->file);
	/* From here on each description has to be told by an fsync of its own. */
	if (visit->target->rule->fsync_elide)
		wt_elide_never(visit->io->fd);
}

static bool is_stable_level(const struct wt_target *target)
{
	return target->rule->level >= WT_LEVEL_DSYNC;
}

/* Syncs of one file one after the other, where the file system needs that. */
static void take_turn(struct visit *visit)
{
	const struct wt_target *target = visit->target;

	if (!is_stable_level(target) || !(target->fs->kind->flags & WT_FS_ONE_SYNC))
		return;
	hold_signals(visit);
	visit->turn_token = wt_description_hold_file(target->file);
}

static void end_turn(struct visit *visit)
{
	if (visit->turn_token)
		wt_description_let_file(visit->target->file, visit->turn_token);
	visit->turn_token = 0;
}

static void begin_wait(struct visit *visit)
{
	visit->waits = true;
	wt_description_wait_begin(visit->target->description, &visit->wait);
}

static void end_wait(struct visit *visit, bool failed)
{
	if (visit->waits)
		wt_description_wait_end(visit->target->description, &visit->wait, failed);
	visit->waits = false;
}

/*
 * Alone, the write waits on the description. Else on a witness, and on the description only if the
 * program's own flags make it. Without a witness its success is held against the
 * answers of those that waited at the same time.
 */
static void enter(struct visit *visit)
{
	struct wt_target *target = visit->target;
	bool stranger = wt_description_is_stranger(visit->description);

	begin_wait(visit);
	if (visit->wait.was_alone && !stranger)
		return;
	enum wt_reason why = wt_witness_call(&visit->witness, visit->io->fd);
	target->waits = why ? WT_WAITS_AMONG_OTHERS : WT_WAITS_ON_WITNESS;
	if (why) {
		if (stranger)
			wt_stats_event(WT_EVENT_ERRORS_SHARED, visit->io->fd, NULL, NULL,
				       wt_reason_text(why));
		return;
	}
	target->witness = &visit->witness;
	if (!wt_engine_waits_itself(target, visit->io))
		end_wait(visit, false);
}

/* Copied, not on the disk, and not because somebody has overwritten them. */
static bool are_bytes_lost(const struct wt_target *target, const struct wt_io *io)
{
	return wt_judge_was_copied(target, io) && !wt_judge_is_on_disk(target, io) &&
	       wt_judge_was_copied(target, io);
}

/*
 * The write may be where a thread is cancelled: what it holds is let go all the same, and where
 * it may have been told of its bytes' loss, fsync is.
 */
static void leave(struct visit *visit)
{
	struct wt_target *target = visit->target;

	if (target->offset_token)
		wt_description_let_offset(target->description, target->offset_token);
	if (!visit->answered && visit->waits && are_bytes_lost(target, visit->io))
		wt_owed_to(visit->description, -EIO);
	end_wait(visit, !visit->answered);
	end_turn(visit);
	if (visit->in_trouble)
		wt_trouble_end(target->file);
	target->witness = NULL;
	if (visit->holds_signals)
		wt_sys_let_signals(&visit->signals);
}

/*
 * Another wait may have been told what was this write's to hear: the disk knows, and so do the
 * others, when they have ended.
 */
static bool is_in_doubt(const struct visit *visit)
{
	struct wt_description *description = visit->target->description;

	return wt_description_was_shared(description, &visit->wait) &&
	       (wt_description_others_ended(description, &visit->wait) ||
		!wt_judge_is_on_disk(visit->target, visit->io)) &&
	       wt_description_others_failed(description, &visit->wait);
}

/*
 * Before the copy a write of part of a block may have failed at the read of the rest, and any
 * at a full disk, which concerns no fsync.
 */
static bool was_copied(const struct wt_target *target, const struct wt_io *io, int err)
{
	unsigned int unit = target->dio_file_align ? target->dio_file_align : 4096;
	struct wt_pages pages;

	if (target->copied || target->start < 0)
		return true;
	if (err == -ENOSPC || err == -EDQUOT)
		return wt_judge_was_copied(target, io);
	if (wt_io_is_scalar(io) && !((target->start | io->iov->iov_len) % unit))
		return true;
	return wt_sys.cachestat(io->fd, target->start, 1, &pages) || pages.cached;
}

/*
 * What a wait took is told all the same: to the fsync of the description it was taken from, and,
 * as it is marked as seen, to what is opened before an fsync was told (errseq_sample).
 */
static void owe(const struct visit *visit, int err)
{
	const struct wt_target *target = visit->target;
	bool own = wt_engine_waits_itself(target, visit->io) && !target->copied;

	if (own || !was_copied(target, visit->io, err))
		return;
	if (target->took)
		wt_owed_to(visit->description, target->took);
	wt_owed_to_later(visit->io->fd, err);
}

/* Put out of its ring by a handler's writes, or refused by a sandbox that came late. */
static bool is_witness_gone(ssize_t ret)
{
	return ret == -ESTALE || ret == -ECANCELED;
}

/* What is the same a second time. A copy would go on behind the first. */
static bool can_repeat(const struct visit *visit)
{
	return visit->target->has_offset && visit->io->call != WT_ACT;
}

/* The same bytes to the same place, and with a wait of its own from before that. */
static ssize_t write_again(const struct wt_engine *engine, struct visit *visit)
{
	visit->target->witness = NULL;
	visit->target->waits = WT_WAITS_AMONG_OTHERS;
	if (!visit->waits)
		begin_wait(visit);
	return engine->write(visit->target, visit->io);
}

static ssize_t write_watched(const struct wt_engine *engine, struct visit *visit)
{
	struct wt_target *target = visit->target;

	if (target->rule->level != WT_LEVEL_ASYNC)
		enter(visit);
	ssize_t ret = engine->write(target, visit->io);
	if (unlikely(is_witness_gone(ret)) && target->witness && can_repeat(visit))
		ret = write_again(engine, visit);
	visit->answered = true;
	if (!target->copied && !is_about_disk(target->took))
		target->took = 0;
	bool waited_there = visit->waits && !target->witness && target->waited;
	if (is_lost(target, ret))
		begin_trouble(visit); /* before others can find this wait ended */
	end_wait(visit, target->waited && ret < 0);
	if (target->took || is_lost(target, ret))
		owe(visit, target->took ? target->took : ret);
	if (ret > 0 && waited_there && is_in_doubt(visit)) {
		begin_trouble(visit);
		ret = -EIO;
	}
	return ret;
}

/*
 * The kernel records no error of an O_DIRECT write, but every description of the file would
 * have been told of these bytes, had they gone through the cache.
 */
static void owe_all(int written_fd, int err)
{
	struct stat written, st;

	if (wt_sys.identify(written_fd, &written))
		return;
	wt_owed_to_later(written_fd, err);
	for (int fd = wt_fdtable_next_ruled(0); fd >= 0; fd = wt_fdtable_next_ruled(fd + 1)) {
		if (!wt_sys.identify(fd, &st) && wt_is_same_file(&st, &written))
			wt_owed_to(wt_fdtable_description(fd), err);
	}
}

/* As after a write(2) that failed, unless somebody else has moved the offset on. */
static void restore_offset(const struct wt_target *target, const struct wt_io *io)
{
	if (io->offset != WT_OFFSET_NONE || !target->copied || target->offset_before < 0)
		return;
	uint32_t token = wt_description_hold_offset(target->description);
	if (wt_sys.lseek(io->fd, 0, SEEK_CUR) == target->offset_after)
		wt_sys.lseek(io->fd, target->offset_before, SEEK_SET);
	wt_description_let_offset(target->description, token);
}

/* A wait of the write ended with an error, that may be another's. */
static ssize_t resolve(const struct wt_engine *engine, const struct visit *visit, ssize_t ret)
{
	const struct wt_target *target = visit->target;
	const struct wt_io *io = visit->io;

	if (target->rule->level != WT_LEVEL_ASYNC)
		ret = wt_judge(target, io, ret);
	if (is_witness_gone(ret))
		ret = -EIO;
	if (ret < 0)
		restore_offset(target, io);
	if (engine->bypasses_cache && (ret == -EIO || (ret < 0 && target->took)))
		owe_all(io->fd, ret);
	return ret;
}

/*
 * A success is not believed where a neighbour's error may have been this write's too, nor where the
 * file system died and tells success to whoever comes after that.
 */
static ssize_t doubt(struct visit *visit, ssize_t ret, uint32_t trouble, bool is_direct)
{
	const struct wt_target *target = visit->target;

	if (target->waited && target->rule->level != WT_LEVEL_ASYNC &&
	    wt_trouble_since(target->file, trouble) && !wt_judge_is_on_disk(target, visit->io))
		ret = -EIO;
	else if ((is_stable_level(target) || target->may_be_inline) &&
		 wt_journal_has_died(target->fs, visit->io->fd, is_direct)) {
		ret = -EIO;
		wt_owed_to(visit->description, ret);
		wt_owed_to_later(visit->io->fd, ret);
	}
	if (ret < 0)
		begin_trouble(visit);
	return ret;
}

/* Whether others may be writing the file past the cache at this moment. */
static bool is_written_directly(const struct wt_engine *engine, const struct wt_target *target)
{
	return engine->bypasses_cache ? wt_turn_any_direct(target->file) : target->fl & O_DIRECT;
}

static ssize_t answer(const struct wt_engine *engine, struct visit *visit)
{
	struct wt_target *target = visit->target;
	bool watched = !engine->bypasses_cache && engine->id != WT_ENGINE_NONE;
	uint32_t trouble = wt_trouble_of(target->file);

	if (watched)
		hold_signals(visit);
	take_turn(visit);
	ssize_t ret = watched ? write_watched(engine, visit) : engine->write(target, visit->io);
	end_turn(visit);
	if (is_lost(target, ret))
		begin_trouble(visit);
	else if (ret > 0)
		ret = doubt(visit, ret, trouble, is_written_directly(engine, target));
	return unlikely(visit->in_trouble) ? resolve(engine, visit, ret) : ret;
}

struct write {
	const struct wt_engine *engine;
	struct visit visit;
	ssize_t ret;
};

static void carry_out(void *arg)
{
	struct write *write = arg;

	write->ret = answer(write->engine, &write->visit);
}

static void leave_write(void *arg)
{
	struct write *write = arg;

	leave(&write->visit);
}

ssize_t wt_exact_write(const struct wt_engine *engine, struct wt_target *target,
		       const struct wt_io *io, uint64_t description)
{
	struct write write = {
		.engine = engine,
		.visit = { .target = target, .io = io, .description = description },
	};

	/* Only where a write(2) is cancelled. */
	wt_thread_run(carry_out, leave_write, &write);
	return write.ret;
}

static struct wt_turn *turn_of(int fd)
{
	struct stat st;

	return wt_sys.identify(fd, &st) ? NULL : wt_turn_of(st.st_dev, st.st_ino);
}

struct in_turn {
	const struct wt_engine *engine;
	struct wt_target *target;
	const struct wt_io *io;
	uint64_t description;
	struct wt_turn *turn;
	ssize_t ret;
};

static void write_in_turn(void *arg)
{
	struct in_turn *at = arg;

	wt_turn_take_cached(at->turn, !wt_ring_is_busy());
	at->ret = wt_exact_write(at->engine, at->target, at->io, at->description);
}

/* The write may be where a thread is cancelled: its turn ends all the same. */
static void leave_turn(void *arg)
{
	wt_turn_leave_cached(((struct in_turn *)arg)->turn);
}

ssize_t wt_exact_write_in_turn(const struct wt_engine *engine, struct wt_target *target,
			       const struct wt_io *io, uint64_t description)
{
	struct in_turn at = { engine, target, io, description, turn_of(io->fd), 0 };

	wt_thread_run(write_in_turn, leave_turn, &at);
	return at.ret;
}
