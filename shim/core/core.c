/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#include "core/core.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>

#include "core/attribution.h"
#include "core/program_ring.h"
#include "core/resolve.h"
#include "core/trace.h"
#include "engine/ladder.h"
#include "os/real.h"
#include "os/sys.h"
#include "os/thread.h"
#include "report/log.h"
#include "report/report.h"
#include "report/stats.h"
#include "ring/mirror.h"
#include "ring/ring.h"
#include "state/config.h"
#include "state/description.h"
#include "state/elide.h"
#include "state/journal.h"
#include "state/pending_error.h"
#include "state/uncovered_child.h"
#include "state/vfork_child.h"

static struct wt_target target_of(const struct wt_io *io, union wt_verdict verdict, int fl,
				  struct wt_fd *entry, uint64_t description)
{
	return (struct wt_target){
		.rule = &wt_config.policy.rules[verdict.rule],
		.fs = wt_filesystem_at(verdict.fs),
		.fl = fl,
		.has_offset = wt_io_has_offset(io, fl),
		.may_be_inline = verdict.may_be_inline,
		.dio_file_align = verdict.dio_shift ? 1U << (verdict.dio_shift & 15) : 0,
		.dio_memory_align = verdict.dio_shift ? 1U << (verdict.dio_shift >> 4) : 0,
		.started_bytes = entry ? &entry->started_bytes : NULL,
		.description = wt_description_of(description),
		.file = wt_resolve_file(io->fd),
		.uncovered = wt_filesystem_lacks(wt_filesystem_at(verdict.fs),
						 wt_config.policy.rules[verdict.rule].level),
	};
}

static void count_file(int fd, uint16_t rule, enum wt_engine_id engine, enum wt_reason why)
{
	struct stat st;

	if (!wt_sys.identify(fd, &st))
		wt_stats_file(rule, engine, wt_reason_text(why), st.st_dev, st.st_ino);
}

/* A descriptor comes with its verdict over a fork, and into a report that has not seen it. */
static void count_inherited(struct wt_fd *entry, int fd, union wt_verdict verdict)
{
	pid_t process = wt_stats_process();

	if (!entry || atomic_load_explicit(&entry->counted_in, memory_order_relaxed) == process)
		return;
	atomic_store_explicit(&entry->counted_in, process, memory_order_relaxed);
	count_file(fd, verdict.rule, verdict.engine, verdict.reason);
}

static void count_fall(struct wt_trace *trace, int fd, const char *from, const char *to,
		       enum wt_reason why)
{
	wt_stats_event(WT_EVENT_FALL, fd, from, to, wt_reason_text(why));
	wt_trace_fell(trace, from, to, why);
}

/* Down the ladder until an engine carries the write; *engine is the one that did. */
static ssize_t write_by_ladder(struct wt_target *target, const struct wt_io *io, uint16_t rule,
			       uint64_t description, const struct wt_engine **engine,
			       struct wt_trace *trace)
{
	ssize_t ret = wt_attribution_write(*engine, target, io, description);

	while (ret == WT_DECLINED) {
		const struct wt_engine *next = wt_ladder_below(*engine, target->rule, target->fs);

		count_fall(trace, io->fd, (*engine)->name, next->name, target->fell);
		count_file(io->fd, rule, next->id, WT_WHY_DECLINED);
		target->fell = WT_WHY_NONE;
		ret = (*engine)->bypasses_cache
			      ? wt_attribution_write_excluded(next, target, io, description)
			      : wt_attribution_write(next, target, io, description);
		*engine = next;
	}
	if (target->fell)
		count_fall(trace, io->fd, (*engine)->name, "fdatasync", target->fell);
	return ret;
}

/* Of a stream all bytes stayed in its buffer; or the program tries a copy that is not to be had. */
static bool wrote_nothing(ssize_t ret)
{
	return !ret || wt_sys_is_refusal(ret) || ret == -EXDEV || ret == -EAGAIN || ret == -EBADF;
}

static ssize_t write_ruled(const struct wt_io *io, union wt_verdict verdict)
{
	const struct wt_engine *engine = wt_engine_by_id(verdict.engine);
	struct wt_fd *entry = wt_fdtable_entry(io->fd);
	uint32_t generation = wt_fdtable_generation(io->fd);
	int fl = wt_resolve_flags(io->fd);

	/* The verdict is a hint, and a mirror could write what the descriptor may not. */
	if (unlikely(fl < 0 || (fl & O_ACCMODE) == O_RDONLY || fl & O_PATH))
		return wt_io_pass(io);
	uint64_t description = wt_fdtable_description(io->fd);
	struct wt_target target = target_of(io, verdict, fl, entry, description);
	count_inherited(entry, io->fd, verdict);
	struct wt_trace trace = { 0 };
	uint64_t start_ns = wt_sys_now_ns();
	if (verdict.asked)
		count_fall(&trace, io->fd, wt_engine_name(verdict.asked), engine->name,
			   verdict.reason);
	ssize_t ret = write_by_ladder(&target, io, verdict.rule, description, &engine, &trace);
	if (io->call == WT_ACT && wrote_nothing(ret))
		return ret;
	uint64_t ns = wt_sys_now_ns() - start_ns;

	/* The number was closed under the write: its second call went to no file or another. */
	if (ret > 0 && target.in_two_calls && wt_fdtable_generation(io->fd) != generation)
		ret = -EBADF;
	if (unlikely(target.stale)) {
		wt_fdtable_forget(io->fd);
		return ret;
	}
	if (unlikely(verdict.may_be_inline) && ret > 0)
		wt_resolve_look_for_blocks(io->fd, &verdict);
	if (ret > 0 && target.rule->cache_drop && engine->id != WT_ENGINE_DIRECT)
		wt_io_drop_cache(io, fl, ret);
	if (unlikely(ret < 0 && target.rule->fsync_elide))
		wt_elide_doubt(io->fd);
	if (unlikely(target.uncovered))
		wt_stats_event(WT_EVENT_NOT_COVERED, io->fd, NULL, NULL,
			       wt_reason_text(target.uncovered));
	wt_stats_write(verdict.rule, engine->id, ret, ns);
	if (unlikely(wt_log_threshold >= WT_LOG_DEBUG))
		wt_trace_tell(&trace, io, &target, engine, ret, ns);
	return ret;
}

ssize_t wt_core_write(const struct wt_io *io, union wt_verdict verdict)
{
	if (unlikely(wt_resolve_has_moved(io->fd, verdict))) {
		wt_fdtable_forget(io->fd);
		verdict.word = 0;
	}
	if (verdict.state == WT_UNKNOWN) {
		int err = wt_resolve_adopt(io->fd, &verdict);

		if (err)
			return err;
	}
	if (verdict.state == WT_RULED)
		return write_ruled(io, verdict);
	ssize_t ret = wt_io_pass(io);
	if (ret > 0 && !(io->call == WT_ACT && io->act->is_stream))
		wt_resolve_wrote(io->fd, verdict, ret);
	return ret;
}

int wt_core_closing(int fd, union wt_verdict verdict)
{
	struct wt_fd *entry = wt_fdtable_entry(fd);
	uint64_t description = wt_fdtable_description(fd);
	int err = 0;

	if (verdict.state == WT_RULED) {
		const struct wt_rule *rule = &wt_config.policy.rules[verdict.rule];

		if (rule->level >= WT_LEVEL_THROUGH)
			wt_program_ring_look_in_time();
		if (rule->level == WT_LEVEL_ASYNC && entry && atomic_load(&entry->started_bytes))
			err = wt_sys.sync_file_range(fd, 0, 0, SYNC_FILE_RANGE_WAIT_BEFORE);
		if (err == -EIO || err == -ENOSPC || err == -EDQUOT)
			wt_pending_error_keep(description, err);
		else
			err = 0;
		wt_mirror_closing(fd);
	}
	wt_resolve_closing(verdict);
	wt_fdtable_forget(fd);
	if (description && wt_pending_error_any() && !wt_fdtable_has(description))
		wt_pending_error_closed(description);
	return err;
}

void wt_core_noticed(int fd, enum wt_way way)
{
	enum wt_event_kind kind =
		way == WT_WAY_MAY_BE_MAPPED ? WT_EVENT_MAY_HAPPEN : WT_EVENT_NOT_COVERED;
	union wt_verdict verdict;

	/* One that cannot be honoured (WT_STRICT) is refused by its first write. */
	wt_resolve_verdict(fd, &verdict);
	if (verdict.state == WT_RULED)
		wt_stats_event(kind, fd, NULL, NULL, wt_way_text(way));
	wt_elide_never(fd);
	wt_core_sharing(fd);
}

void wt_core_sharing(int fd)
{
	uint64_t description = wt_fdtable_description(fd);

	if (description)
		wt_description_share(description);
}

void wt_core_leaving(void)
{
	wt_mirror_leave();
	if (!wt_stats_is_vfork_child())
		wt_fdtable_each_description(wt_pending_error_closed);
	wt_vfork_child_leave();
}

void wt_core_sharing_all(void)
{
	for (int fd = wt_fdtable_next_ruled(0); fd >= 0; fd = wt_fdtable_next_ruled(fd + 1))
		wt_core_sharing(fd);
}

void wt_core_closing_range(unsigned int first, unsigned int last)
{
	if (first > INT_MAX)
		return;
	int fd = wt_fdtable_next_ruled(first);
	if (fd >= 0)
		wt_program_ring_look_in_time();
	/* One after the other: the last of a file's descriptors is the one that counts. */
	for (; fd >= 0 && (unsigned int)fd <= last; fd = wt_fdtable_next_ruled(fd + 1)) {
		wt_mirror_closing(fd);
		wt_fdtable_forget(fd);
	}
	wt_fdtable_forget_range(first, last);
}

void wt_core_executing(void)
{
	wt_mirror_leave();
	for (int fd = wt_fdtable_next_ruled(0); fd >= 0; fd = wt_fdtable_next_ruled(fd + 1)) {
		int flags = wt_sys.getfd(fd);

		if (flags >= 0 && !(flags & FD_CLOEXEC))
			wt_core_sharing(fd);
	}
}

void wt_core_report(void)
{
	wt_uncovered_child_collect();
	if (!wt_config.report || wt_stats_is_vfork_child())
		return;
	wt_program_ring_look();
	wt_report_write(wt_config.report, &wt_config.policy);
}

void wt_core_stderr_closing(void)
{
	if (wt_config.report && !strcmp(wt_config.report, "stderr"))
		wt_core_report();
}

void wt_core_confining(void)
{
	for (int fd = wt_fdtable_next_ruled(0); fd >= 0; fd = wt_fdtable_next_ruled(fd + 1))
		wt_core_noticed(fd, WT_WAY_STRICT);
	wt_log(WT_LOG_WARN, "a thread enters seccomp's strict mode, and what it writes from now on "
			    "is not covered");
	if (wt_thread_has_storage() && wt_thread_is_last())
		wt_core_report();
}
