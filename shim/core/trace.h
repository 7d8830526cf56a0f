/* SPDX-License-Identifier: MIT */
/*
 * trace - one line of the log about one write (WT_LOG=debug).
 *
 * A trace lies on the stack of the write, zeroed. Nothing is asked and no text is made unless the
 * line is wanted. No lock.
 */
#ifndef WT_TRACE_H
#define WT_TRACE_H

#include "engine/engine.h"

/* The falls from one engine to the next, in their order; no more than there are engines. */
struct wt_trace {
	size_t falls_len;
	struct {
		const char *from;
		const char *to;
		enum wt_reason why;
	} falls[WT_ENGINES];
};

/* Adds a fall. */
void wt_trace_fell(struct wt_trace *trace, const char *from, const char *to, enum wt_reason why);

/* Logs the line of a write: `ret` is bytes or -errno, `ns` its time, `engine` the last engine. */
void wt_trace_tell(const struct wt_trace *trace, const struct wt_io *io,
		   const struct wt_target *target, const struct wt_engine *engine, ssize_t ret,
		   uint64_t ns, const struct wt_outcome *outcome);

#endif
