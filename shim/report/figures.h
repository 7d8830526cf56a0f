/* SPDX-License-Identifier: MIT */
/*
 * figures - what both forms of a report show of the counters. Reads stats.h, and changes nothing.
 */
#ifndef WT_FIGURES_H
#define WT_FIGURES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "report/stats.h"

/* A row of counters, read once, so that what stands side by side is of one moment. */
struct wt_figures {
	uint64_t files, writes, bytes, errors, elided;
	uint64_t p50_ns, p99_ns, max_ns;
	const char *engine; /* or the way in which the writes were submitted */
	const char *reason; /* NULL: none was given */
	bool submitted;	    /* how they ended is not known: no errors and no times */
};

/* False where the rule had nothing to do in this row (enum wt_engine_id, enum wt_row_id). */
bool wt_figures_read(struct wt_figures *figures, size_t rule, unsigned int row_id);

/* Whether no file has come under the rule. */
bool wt_rule_is_idle(size_t rule);

uint64_t wt_event_count(const struct wt_event *event);

#endif
