/* SPDX-License-Identifier: MIT */
#include "report/figures.h"

#include <stdatomic.h>

static uint64_t get(const _Atomic uint64_t *counter)
{
	return atomic_load_explicit(counter, memory_order_relaxed);
}

uint64_t wt_event_count(const struct wt_event *event)
{
	return get(&event->count);
}

static const char *row_name(unsigned int row_id)
{
	switch (row_id) {
	case WT_ROW_IO_SUBMIT:
		return "io_submit";
	case WT_ROW_IO_URING:
		return "io_uring";
	default:
		return wt_engine_name(row_id);
	}
}

bool wt_figures_read(struct wt_figures *figures, size_t rule, unsigned int row_id)
{
	const struct wt_row *row = wt_stats_row(rule, row_id);

	if (!row)
		return false;
	*figures = (struct wt_figures){
		.files = get(&row->files),
		.writes = get(&row->writes),
		.bytes = get(&row->bytes),
		.errors = get(&row->errors),
		.elided = get(&row->elided),
		.p50_ns = wt_latency_quantile_ns(&row->latency, 500),
		.p99_ns = wt_latency_quantile_ns(&row->latency, 990),
		.max_ns = get(&row->latency.max_ns),
		.engine = row_name(row_id),
		.reason = row->reason,
		.submitted = row_id >= WT_ENGINES,
	};
	return figures->files || figures->writes;
}

bool wt_rule_is_idle(size_t rule)
{
	struct wt_figures figures;

	for (unsigned int row_id = 0; row_id < WT_ROWS; row_id++) {
		if (wt_figures_read(&figures, rule, row_id))
			return false;
	}
	return true;
}
