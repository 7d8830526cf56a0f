/* SPDX-License-Identifier: MIT */
#include "core/trace.h"

#include "base/base.h"
#include "base/text.h"
#include "report/log.h"
#include "report/stats.h"

void wt_trace_fell(struct wt_trace *trace, const char *from, const char *to, enum wt_reason why)
{
	if (trace->falls_len == WT_LENGTH(trace->falls))
		return;
	trace->falls[trace->falls_len].from = from;
	trace->falls[trace->falls_len].to = to;
	trace->falls[trace->falls_len++].why = why;
}

static void add_call(struct wt_text *text, const struct wt_io *io, const struct wt_target *target,
		     const struct wt_outcome *outcome)
{
	static const char *const names[] = {
		[WT_WRITE] = "write",	  [WT_PWRITE] = "pwrite",     [WT_WRITEV] = "writev",
		[WT_PWRITEV] = "pwritev", [WT_PWRITEV2] = "pwritev2",
	};

	wt_text_str(text, io->call == WT_ACT ? io->act->name : names[io->call]);
	wt_text_str(text, " fd ");
	wt_text_u64(text, io->fd);
	if (io->call != WT_ACT) {
		wt_text_str(text, ", ");
		wt_text_u64(text, wt_io_is_scalar(io) ? io->iov->iov_len
				  : io->iovcnt > 0    ? (size_t)io->iovcnt
						      : 0);
		wt_text_str(text, wt_io_is_scalar(io) ? " bytes" : " buffers");
	}
	if (target->has_offset || outcome->copied) {
		off_t start = target->has_offset ? io->offset : outcome->start;

		wt_text_str(text, start < 0 ? "" : " at offset ");
		if (start >= 0)
			wt_text_u64(text, start);
	}
}

static void add_falls(struct wt_text *text, const struct wt_trace *trace)
{
	for (size_t i = 0; i < trace->falls_len; i++) {
		wt_text_str(text, ", fell from ");
		wt_text_str(text, trace->falls[i].from);
		wt_text_str(text, " to ");
		wt_text_str(text, trace->falls[i].to);
		wt_text_str(text, ": ");
		wt_text_str(text, wt_reason_text(trace->falls[i].why));
	}
}

static void add_wait(struct wt_text *text, const struct wt_target *target,
		     const struct wt_engine *engine, const struct wt_outcome *outcome)
{
	static const char *const words[] = {
		[WT_WAITS_ALONE] = ", waited alone",
		[WT_WAITS_PRIVATELY] = ", waited on a private opening",
		[WT_WAITS_AMONG_OTHERS] = ", waited among others",
	};

	if (!outcome->waited || target->rule->level == WT_LEVEL_ASYNC)
		wt_text_str(text, ", did not wait");
	else if (engine->bypasses_cache)
		wt_text_str(text, ", waited for its own request");
	else
		wt_text_str(text, words[outcome->waits]);
}

/* The path comes last: however long, and whatever it imitates, it hides nothing of the rest. */
void wt_trace_tell(const struct wt_trace *trace, const struct wt_io *io,
		   const struct wt_target *target, const struct wt_engine *engine, ssize_t ret,
		   uint64_t ns, const struct wt_outcome *outcome)
{
	char path[WT_EVENT_PATH], buf[768];
	struct wt_text text = { .buf = buf, .size = sizeof(buf) };

	add_call(&text, io, target, outcome);
	wt_text_str(&text, ": level ");
	wt_text_str(&text, wt_level_name(target->rule->level));
	wt_text_str(&text, ", engine ");
	wt_text_str(&text, engine->name);
	add_falls(&text, trace);
	add_wait(&text, target, engine, outcome);
	wt_text_str(&text, ret < 0 ? ": error: " : ": wrote ");
	if (ret < 0)
		wt_text_str(&text, wt_log_errno_text(ret));
	else
		wt_text_u64(&text, ret);
	wt_text_str(&text, ret < 0 ? ", after " : " bytes in ");
	wt_text_u64(&text, ns / 1000);
	wt_stats_path(io->fd, path);
	wt_log(WT_LOG_DEBUG, "%.*s us: %s", (int)text.len, text.buf, path);
}
