/* SPDX-License-Identifier: MIT */
/*
 * form - the two forms of a report, and the figures that both show.
 *
 * Pure but for the counters of stats.h, which they read. They only fill `out`;
 * out->cut says that the buffer was too small.
 */
#ifndef WT_REPORT_FORM_H
#define WT_REPORT_FORM_H

#include <stdbool.h>
#include <stdint.h>

#include "base/policy.h"
#include "base/text.h"
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

/* `exe` may be NULL. */
void wt_report_json(struct wt_text *out, const struct wt_policy *policy, const char *exe);
void wt_report_text(struct wt_text *out, const struct wt_policy *policy);

#endif
