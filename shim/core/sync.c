/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#include "core/sync.h"

#include <errno.h>
#include <fcntl.h>

#include "base/base.h"
#include "core/resolve.h"
#include "core/waiter.h"
#include "os/sys.h"
#include "os/thread.h"
#include "report/stats.h"
#include "state/config.h"
#include "state/description.h"
#include "state/elide.h"
#include "state/inline_data.h"
#include "state/journal.h"
#include "state/pending_error.h"

struct sync {
	struct wt_waiter waiter;
	const struct wt_sync *io;
	int (*carry_out)(const struct wt_sync *io);
	union wt_verdict verdict;
	int err;
};

/* A sync that was cancelled counts as failed, as it may have taken an error. */
static void sync_ended(void *arg)
{
	struct sync *sync = arg;

	wt_waiter_leave(&sync->waiter, sync->err);
}

/* Whether the success of a sync is false, as the commit that it waited for had failed before. */
static bool has_died_since(int fd, union wt_verdict verdict)
{
	bool is_direct = verdict.engine == WT_ENGINE_DIRECT || wt_resolve_flags(fd) & O_DIRECT;

	return wt_journal_has_died(wt_filesystem_at(verdict.fs), fd, is_direct);
}

static void sync_alone(void *arg)
{
	struct sync *sync = arg;

	wt_waiter_hold_signals(&sync->waiter);
	wt_waiter_exclude(&sync->waiter, wt_filesystem_at(sync->verdict.fs));
	wt_waiter_begin(&sync->waiter);
	sync->err = sync->carry_out(sync->io);
	if (!sync->err && sync->io->call != WT_SYNC_FILE_RANGE &&
	    has_died_since(sync->io->fd, sync->verdict))
		sync->err = -EIO;
}

static int sync_really(const struct wt_sync *io, int (*carry_out)(const struct wt_sync *),
		       union wt_verdict verdict, uint64_t description)
{
	bool excludes = wt_filesystem_at(verdict.fs)->kind->flags & WT_FS_ONE_SYNC;
	struct sync sync = {
		.waiter = { .description = description,
			    .file = unlikely(excludes) ? wt_resolve_file(io->fd) : 0 },
		.io = io,
		.carry_out = carry_out,
		.verdict = verdict,
		.err = -ECANCELED,
	};

	/* The sync is cancelled only where an fsync(2) is. */
	wt_thread_run(sync_alone, sync_ended, &sync);
	return sync.err;
}

/* Only an fdatasync: an fsync also syncs metadata that is not libwt's concern. */
static bool may_be_elided(const struct wt_sync *io, union wt_verdict verdict, uint64_t description)
{
	return io->call == WT_FDATASYNC && verdict.engine != WT_ENGINE_NONE &&
	       !wt_description_is_externally_shared(description);
}

static int sync_ruled(const struct wt_sync *io, union wt_verdict verdict, uint64_t description)
{
	struct wt_elide asked = { 0 };
	bool elides =
		wt_config.policy.rules[verdict.rule].fsync_elide && wt_elide_ask(&asked, io->fd);

	if (elides && may_be_elided(io, verdict, description)) {
		wt_thread_test_cancel();
		wt_stats_elided(verdict.rule, verdict.engine);
		return 0;
	}
	struct wt_sync full = *io;
	if (io->call == WT_FDATASYNC && unlikely(verdict.may_be_inline) && wt_inline_is(io->fd))
		full.call = WT_FSYNC;
	int err = sync_really(&full, wt_io_pass_sync, verdict, description);
	if (unlikely(err) && asked.file)
		wt_elide_never(io->fd);
	else if (io->call != WT_SYNC_FILE_RANGE)
		wt_elide_synced(&asked);
	return err;
}

/* Directories have no rule, but by their sync a program makes the names of files stable. */
static int sync_unruled(const struct wt_sync *io)
{
	int err = wt_io_pass_sync(io);

	if (err || io->call == WT_SYNC_FILE_RANGE || !wt_config.active)
		return err;
	return wt_journal_confirm_names(io->fd);
}

static bool is_about_the_call(int err)
{
	return wt_sys_is_refusal(err) || err == -EBADF || err == -EINTR || err == -ESPIPE;
}

int wt_core_sync(const struct wt_sync *io, union wt_verdict verdict)
{
	uint64_t description = wt_fdtable_description(io->fd);
	int err =
		verdict.state == WT_RULED ? sync_ruled(io, verdict, description) : sync_unruled(io);
	/*
	 * An error about the call says nothing about the disk, and leaves a pending error pending.
	 */
	if (unlikely(is_about_the_call(err)))
		return err;
	int pending = wt_pending_error_take(io->fd, description);

	if (unlikely(err || pending))
		wt_pending_error_told(io->fd);
	return err ? err : pending;
}

int wt_core_settle(int fd, union wt_verdict verdict)
{
	enum wt_level level = wt_config.policy.rules[verdict.rule].level;
	const struct wt_filesystem *fs = wt_filesystem_at(verdict.fs);
	uint64_t description = wt_fdtable_description(fd);
	struct wt_sync io = { .call = level == WT_LEVEL_SYNC ? WT_FSYNC : WT_FDATASYNC, .fd = fd };
	int err, tries = 0;

	if (unlikely(verdict.may_be_inline) && wt_inline_is(fd))
		io.call = WT_FSYNC;
	else if (level == WT_LEVEL_ASYNC)
		io.flags = SYNC_FILE_RANGE_WAIT_BEFORE | SYNC_FILE_RANGE_WRITE;
	else if (level == WT_LEVEL_THROUGH && fs->kind->flags & WT_FS_WRITEBACK)
		io.flags = SYNC_FILE_RANGE_WAIT_BEFORE | SYNC_FILE_RANGE_WRITE |
			   SYNC_FILE_RANGE_WAIT_AFTER;
	if (io.flags)
		io.call = WT_SYNC_FILE_RANGE;
	do {
		err = sync_really(&io, wt_io_sync, verdict, description);
	} while (err == -EINTR && ++tries < WT_INTERRUPTIONS_MAX);
	if (unlikely(err) && !is_about_the_call(err)) {
		wt_pending_error_keep(description, err);
		wt_pending_error_keep_for_later(fd, err);
	}
	return err;
}
