/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#include "core/write.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/uio.h>

#include "base/base.h"
#include "core/attribution.h"
#include "core/resolve.h"
#include "core/submit.h"
#include "core/trace.h"
#include "engine/ladder.h"
#include "os/process.h"
#include "os/sys.h"
#include "report/log.h"
#include "report/stats.h"
#include "state/config.h"
#include "state/elide.h"
#include "wt.h"

/* Describes the file of a descriptor. `entry` is its entry in the table, or NULL. */
static struct wt_target target_of(const struct wt_io *io, union wt_verdict verdict, int fl,
				  struct wt_fd *entry)
{
	uint64_t file = entry ? atomic_load_explicit(&entry->file, memory_order_relaxed) : 0;

	return (struct wt_target){
		.rule = &wt_config.policy.rules[verdict.rule],
		.fs = wt_filesystem_at(verdict.fs),
		.fl = fl,
		.has_offset = wt_io_has_offset(io, fl),
		.may_be_inline = verdict.may_be_inline,
		.dio_file_align = verdict.dio_shift ? 1U << (verdict.dio_shift & 15) : 0,
		.dio_memory_align = verdict.dio_shift ? 1U << (verdict.dio_shift >> 4) : 0,
		.started_bytes = entry ? &entry->started_bytes : NULL,
		.description = entry ? atomic_load(&entry->description) : 0,
		.file = likely(file) ? file : wt_resolve_file(io->fd),
	};
}

static void count_file(int fd, uint16_t rule, enum wt_engine_id engine, enum wt_reason why)
{
	struct stat st;

	if (!wt_sys.identify(fd, &st))
		wt_stats_file(rule, engine, wt_reason_text(why), st.st_dev, st.st_ino);
}

/* Counts a file whose descriptor was inherited over a fork, and which this report has not seen. */
static void count_inherited(struct wt_fd *entry, int fd, union wt_verdict verdict)
{
	pid_t process = wt_process_id();

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

/* Tries engines down the ladder until one carries the write; *engine is that one. */
static ssize_t write_by_ladder(const struct wt_target *target, const struct wt_io *io,
			       uint16_t rule, bool beside_direct, const struct wt_engine **engine,
			       struct wt_trace *trace, struct wt_outcome *outcome)
{
	ssize_t ret = wt_attribution_write(*engine, target, io, beside_direct, outcome);

	while (ret == WT_DECLINED) {
		const struct wt_engine *next = wt_ladder_below(*engine, target->rule, target->fs);

		count_fall(trace, io->fd, (*engine)->name, next->name, outcome->fell);
		count_file(io->fd, rule, next->id, WT_WHY_DECLINED);
		outcome->fell = WT_WHY_NONE;
		ret = wt_attribution_write(next, target, io, (*engine)->bypasses_cache, outcome);
		*engine = next;
	}
	if (outcome->fell)
		count_fall(trace, io->fd, (*engine)->name, "fdatasync", outcome->fell);
	return ret;
}

/*
 * Nothing reached the file: the bytes stayed in a stream's buffer, or the kernel does not support
 * the copy. Such a call is not counted.
 */
static bool wrote_nothing(ssize_t ret)
{
	return !ret || wt_sys_is_refusal(ret) || ret == -EXDEV || ret == -EAGAIN || ret == -EBADF;
}

/* `beside_direct`: other writes of the file go by an engine that bypasses the cache. */
static ssize_t write_ruled(const struct wt_io *io, union wt_verdict verdict, bool beside_direct)
{
	const struct wt_engine *engine = wt_engine_by_id(verdict.engine);
	struct wt_fd *entry = wt_fdtable_entry(io->fd);
	uint32_t generation = entry ? atomic_load(&entry->generation) : 0;
	int fl = wt_resolve_flags(io->fd);

	/* The verdict is only a hint, and a mirror could write what the descriptor may not. */
	if (unlikely(fl < 0 || (fl & O_ACCMODE) == O_RDONLY || fl & O_PATH))
		return wt_io_pass(io);
	const struct wt_target target = target_of(io, verdict, fl, entry);
	struct wt_outcome outcome = {
		.uncovered = wt_filesystem_lacks(target.fs, target.rule->level),
	};
	count_inherited(entry, io->fd, verdict);
	struct wt_trace trace = { 0 };
	uint64_t start_ns = wt_sys_now_ns();
	if (verdict.asked)
		count_fall(&trace, io->fd, wt_engine_name(verdict.asked), engine->name,
			   verdict.reason);
	ssize_t ret = write_by_ladder(&target, io, verdict.rule, beside_direct, &engine, &trace,
				      &outcome);
	if (io->call == WT_ACT && wrote_nothing(ret))
		return ret;
	uint64_t ns = wt_sys_now_ns() - start_ns;

	/* Closed during the write: its second call went to no file, or to another one. */
	if (ret > 0 && outcome.in_two_calls && entry &&
	    atomic_load(&entry->generation) != generation)
		ret = -EBADF;
	if (unlikely(outcome.stale)) {
		wt_fdtable_forget(io->fd);
		return ret;
	}
	if (unlikely(verdict.may_be_inline) && ret > 0)
		wt_resolve_look_for_blocks(io->fd, &verdict);
	if (ret > 0 && target.rule->cache_drop && engine->id != WT_ENGINE_DIRECT)
		wt_io_drop_cache(io, fl, ret);
	if (unlikely(ret < 0 && target.rule->fsync_elide))
		wt_elide_doubt(io->fd);
	if (unlikely(outcome.uncovered))
		wt_stats_event(WT_EVENT_NOT_COVERED, io->fd, NULL, NULL,
			       wt_reason_text(outcome.uncovered));
	wt_stats_write(verdict.rule, engine->id, ret, ns);
	if (unlikely(wt_log_threshold >= WT_LOG_DEBUG))
		wt_trace_tell(&trace, io, &target, engine, ret, ns, &outcome);
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
		return write_ruled(io, verdict, false);
	ssize_t ret = wt_io_pass(io);
	if (ret > 0 && !(io->call == WT_ACT && io->act->is_stream))
		wt_resolve_wrote(io->fd, verdict, ret);
	return ret;
}

#define UNBOUND (RWF_DSYNC | RWF_SYNC) /* what a level stands for */

/*
 * Once in a process: no kernel has the flag yet. One that has answers a bad address with EFAULT,
 * and may mean something else by it; libwt keeps its own meaning all the same.
 */
static void look_for_flag(int fd)
{
	static _Atomic bool looked;
	struct iovec nowhere = { .iov_len = 1 };

	if (likely(atomic_load_explicit(&looked, memory_order_relaxed)) ||
	    atomic_exchange(&looked, true))
		return;
	nowhere.iov_base = mmap(NULL, 1, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (nowhere.iov_base == MAP_FAILED)
		return;
	if (wt_sys.pwritev2(fd, &nowhere, 1, 0, RWF_WRITETHROUGH) == -EFAULT)
		wt_log(WT_LOG_WARN,
		       "this kernel has a flag 0x%x of its own for pwritev2(2); libwt "
		       "takes it for RWF_WRITETHROUGH",
		       RWF_WRITETHROUGH);
	munmap(nowhere.iov_base, 1);
}

ssize_t wt_core_write_through(const struct wt_io *io, union wt_verdict verdict)
{
	struct wt_io bare = *io;
	enum wt_level level = wt_resolve_called_level(io->flags);

	bare.flags &= ~RWF_WRITETHROUGH;
	if (io->offset < WT_OFFSET_NONE || io->iovcnt <= 0)
		return wt_io_pass(&bare);
	if (verdict.state == WT_UNKNOWN && wt_config.active) {
		int err = wt_resolve_adopt(io->fd, &verdict);

		if (err)
			return err;
	}
	bool is_ruled = wt_resolve_is_as_strong(verdict, level);
	bool beside_direct =
		!is_ruled && verdict.state == WT_RULED && verdict.engine == WT_ENGINE_DIRECT;
	enum wt_reason lacks =
		is_ruled ? wt_filesystem_lacks(wt_filesystem_at(verdict.fs), level) : WT_WHY_NONE;
	/* As the kernel answers to a flag that it does not have, or to a descriptor that cannot. */
	if (lacks || (!is_ruled && wt_resolve_called(io->fd, level, &verdict)))
		return wt_io_pass(io);
	/* Of a write of no bytes the kernel looks at no flag. */
	if (io->flags & (RWF_NOWAIT | RWF_DONTCACHE))
		return wt_submit_vector_bytes(io->iov, io->iovcnt) ? -EINVAL : wt_io_pass(&bare);
	look_for_flag(io->fd);
	if (!is_ruled)
		bare.flags &= ~UNBOUND;
	return write_ruled(&bare, verdict, beside_direct);
}
