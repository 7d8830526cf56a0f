/* SPDX-License-Identifier: MIT */
/*
 * trace - what became of one write, told in one line of the log (WT_LOG=debug).
 *
 * It lies on the stack of the write. Nothing is asked and no word is put together unless the line
 * is wanted.
 */
#ifndef WT_TRACE_H
#define WT_TRACE_H

#include "engine/engine.h"

/* Falls in their order; never more than the ladder has rungs. Starts zeroed. */
struct wt_trace {
	size_t falls_len;
	struct {
		const char *from;
		const char *to;
		enum wt_reason why;
	} falls[WT_ENGINES];
};

void wt_trace_fell(struct wt_trace *trace, const char *from, const char *to, enum wt_reason why);

/* The write has ended by `engine` with `ret`, bytes or -errno, after `ns`. */
void wt_trace_tell(const struct wt_trace *trace, const struct wt_io *io,
		   const struct wt_target *target, const struct wt_engine *engine, ssize_t ret,
		   uint64_t ns, const struct wt_outcome *outcome);

#endif
