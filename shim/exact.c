/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#include "exact.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <unistd.h>

#include "base.h"
#include "fdtable.h"
#include "judge.h"
#include "stats.h"
#include "sys.h"
#include "trouble.h"

/* What a wait can be told of the disk; the rest is said of the call, before any copy. */
static bool is_about_disk(ssize_t ret)
{
	switch (ret) {
	case -EBADF:
	case -EFAULT:
	case -EFBIG:
	case -EINTR:
	case -EINVAL:
	case -ENOSYS:
	case -EOPNOTSUPP:
	case -EPERM:
	case -ESPIPE:
	case -ETXTBSY:
	case -EAGAIN:
		return false;
	}
	return ret < 0 && ret != WT_DECLINED;
}

static bool is_lost(const struct wt_target *target, ssize_t ret)
{
	return unlikely(ret < 0) && ret != WT_DECLINED && target->waited &&
	       (target->copied || is_about_disk(ret));
}

/* One write through the cache, from the look who else is there to the answer. */
struct visit {
	struct wt_target *target;
	const struct wt_io *io;
	uint64_t description;
	struct wt_wait wait;
	bool waits; /* on the description itself: wait is registered */
	bool answered;
	struct wt_signals signals;
	struct wt_witness witness;
};

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
static void enter(struct visit *visit, const struct wt_engine *engine)
{
	struct wt_target *target = visit->target;
	bool stranger = wt_description_is_stranger(visit->description);

	begin_wait(visit);
	if (visit->wait.was_alone && !stranger)
		return;
	enum wt_reason why = wt_witness_call(&visit->witness, visit->io->fd);
	if (why) {
		if (stranger)
			wt_stats_event(WT_EVENT_FALL, visit->io->fd, engine->name,
				       "errors shared with others", wt_reason_text(why));
		return;
	}
	target->witness = &visit->witness;
	if (!wt_engine_waits_itself(target, visit->io))
		end_wait(visit, false);
}

/*
 * The write may be where a thread is cancelled: what it holds is let go all the same, and where
 * it may have been told of its bytes' loss, fsync is.
 */
static void leave(void *arg)
{
	struct visit *visit = arg;
	struct wt_target *target = visit->target;

	if (target->offset_token)
		wt_description_let_offset(target->description, target->offset_token);
	if (!visit->answered && visit->waits && wt_judge_was_copied(target, visit->io) &&
	    !wt_judge_is_on_disk(target, visit->io))
		wt_description_owe(visit->description, -EIO);
	end_wait(visit, !visit->answered);
	target->witness = NULL;
	wt_sys_let_signals(&visit->signals);
}

/* Another wait may have been told what was this write's to hear: the disk knows, or its own end. */
static bool is_in_doubt(const struct visit *visit)
{
	struct wt_description *description = visit->target->description;

	return wt_description_was_shared(description, &visit->wait) &&
	       !wt_judge_is_on_disk(visit->target, visit->io) &&
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
		wt_description_owe(visit->description, target->took);
	wt_description_owe_later(visit->io->fd, err);
}

/* With signals held off, as they are in a write(2) of a file: a handler could jump out of it. */
static ssize_t write_watched(const struct wt_engine *engine, struct wt_target *target,
			     const struct wt_io *io, uint64_t description)
{
	struct visit visit = { .target = target, .io = io, .description = description };
	ssize_t ret;

	wt_sys_hold_signals(&visit.signals);
	pthread_cleanup_push(leave, &visit);
	if (target->rule->level != WT_LEVEL_ASYNC)
		enter(&visit, engine);
	ret = engine->write(target, io);
	visit.answered = true;
	if (!target->copied && !is_about_disk(target->took))
		target->took = 0;
	bool waited_there = visit.waits && !target->witness && target->waited;
	if (is_lost(target, ret))
		wt_trouble_begin(target->file); /* before others can find this wait ended */
	end_wait(&visit, target->waited && ret < 0);
	if (target->took || is_lost(target, ret))
		owe(&visit, target->took ? target->took : ret);
	if (ret > 0 && waited_there && is_in_doubt(&visit)) {
		wt_trouble_begin(target->file);
		ret = -EIO;
	}
	pthread_cleanup_pop(1);
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
	wt_description_owe_later(written_fd, err);
	for (int fd = wt_fdtable_next_ruled(0); fd >= 0; fd = wt_fdtable_next_ruled(fd + 1)) {
		if (!wt_sys.identify(fd, &st) && st.st_ino == written.st_ino &&
		    st.st_dev == written.st_dev)
			wt_description_owe(wt_fdtable_description(fd), err);
	}
}

/* As after a write(2) that failed, unless somebody else has moved the offset on. */
static void restore_offset(const struct wt_target *target, const struct wt_io *io)
{
	struct wt_signals signals;

	if (io->offset != WT_OFFSET_NONE || !target->copied || target->offset_before < 0)
		return;
	wt_sys_hold_signals(&signals);
	uint32_t token = wt_description_hold_offset(target->description);
	if (wt_sys.lseek(io->fd, 0, SEEK_CUR) == target->offset_after)
		wt_sys.lseek(io->fd, target->offset_before, SEEK_SET);
	wt_description_let_offset(target->description, token);
	wt_sys_let_signals(&signals);
}

/* A wait of the write ended with an error, that may be another's: it is in trouble until here. */
static ssize_t resolve(const struct wt_engine *engine, struct wt_target *target,
		       const struct wt_io *io, ssize_t ret)
{
	if (target->rule->level != WT_LEVEL_ASYNC)
		ret = wt_judge(target, io, ret);
	wt_trouble_end(target->file);
	if (ret < 0)
		restore_offset(target, io);
	if (engine->bypasses_cache && (ret == -EIO || (ret < 0 && target->took)))
		owe_all(io->fd, ret);
	return ret;
}

struct turn {
	uint64_t file;
	uint32_t token; /* 0: none is needed */
	struct wt_signals signals;
};

static void end_turn(void *arg)
{
	struct turn *turn = arg;

	if (!turn->token)
		return;
	wt_description_let_file(turn->file, turn->token);
	wt_sys_let_signals(&turn->signals);
}

/* Syncs of one file one after the other, where the file system needs that. */
static ssize_t write_in_turn(const struct wt_engine *engine, struct wt_target *target,
			     const struct wt_io *io, uint64_t description, bool watched)
{
	struct turn turn = { .file = target->file };
	ssize_t ret;

	if (target->rule->level >= WT_LEVEL_DSYNC && target->fs->kind->flags & WT_FS_ONE_SYNC) {
		wt_sys_hold_signals(&turn.signals);
		turn.token = wt_description_hold_file(turn.file);
	}
	pthread_cleanup_push(end_turn, &turn);
	ret = watched ? write_watched(engine, target, io, description) : engine->write(target, io);
	pthread_cleanup_pop(1);
	return ret;
}

ssize_t wt_exact_write(const struct wt_engine *engine, struct wt_target *target,
		       const struct wt_io *io, uint64_t description)
{
	bool watched = !engine->bypasses_cache && engine->id != WT_ENGINE_NONE;
	uint32_t trouble = wt_trouble_of(target->file);
	ssize_t ret = write_in_turn(engine, target, io, description, watched);
	bool lost = is_lost(target, ret);

	if (lost && !watched)
		wt_trouble_begin(target->file);
	/* A neighbour's error, and what the kernel makes of it, may be this write's too. */
	if (ret > 0 && target->waited && target->rule->level != WT_LEVEL_ASYNC &&
	    wt_trouble_since(target->file, trouble) && !wt_judge_is_on_disk(target, io)) {
		wt_trouble_begin(target->file);
		lost = true;
		ret = -EIO;
	}
	return unlikely(lost) ? resolve(engine, target, io, ret) : ret;
}
