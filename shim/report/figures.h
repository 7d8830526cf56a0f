/* SPDX-License-Identifier: MIT */
/*
 * figures - the figures that both forms of a report show. Reads the counters of stats.h, and
 * changes nothing.
 */
#ifndef WT_FIGURES_H
#define WT_FIGURES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "report/stats.h"

/* One row of counters, read once, so that figures that stand side by side are of one moment. */
struct wt_figures {
	uint64_t files, writes, bytes, errors, elided;
	uint64_t p50_ns, p99_ns, max_ns;
	const char *engine; /* or the name of the interface by which writes were submitted */
	const char *reason; /* NULL if none was given */
	bool submitted;	    /* how the writes ended is not known: no errors, no times */
};

/*
 * Reads the row (enum wt_engine_id or enum wt_row_id) of a rule. False if nothing was counted
 * there.
 */
bool wt_figures_read(struct wt_figures *figures, size_t rule, unsigned int row_id);

/* Whether no file came under the rule. */
bool wt_rule_is_idle(size_t rule);

uint64_t wt_event_count(const struct wt_event *event);

#endif
