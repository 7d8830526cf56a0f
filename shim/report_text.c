/* SPDX-License-Identifier: MIT */
/* The report for people. */
#include <string.h>
#include <unistd.h>

#include "base.h"
#include "log.h"
#include "reason.h"
#include "report_form.h"

static void add_bytes(struct wt_text *out, uint64_t bytes)
{
	static const char *const units[] = { " B", " KiB", " MiB", " GiB", " TiB", " PiB", " EiB" };
	unsigned int unit = 0;

	while (bytes >> 10 * unit >= 1024)
		unit++;
	if (unit)
		wt_text_decimal(out, (bytes >> 10 * (unit - 1)) * 10 / 1024, 1);
	else
		wt_text_u64(out, bytes);
	wt_text_str(out, units[unit]);
}

static void add_us(struct wt_text *out, uint64_t ns)
{
	if (ns < 100000)
		wt_text_decimal(out, ns / 100, 1);
	else
		wt_text_u64(out, ns / 1000);
}

static void add_times(struct wt_text *out, uint64_t count)
{
	wt_text_u64(out, count);
	wt_text_str(out, count == 1 ? " time" : " times");
}

static void add_left(struct wt_text *out, const char *str, size_t len, size_t width)
{
	size_t start = out->len;

	wt_text_plain(out, str, len);
	wt_text_pad(out, start, width, false);
	wt_text_str(out, "  ");
}

#define LEVEL_WIDTH (sizeof("through") - 1)
#define ENGINE_WIDTH (sizeof("writeback") - 1)

static const struct column {
	const char *title;
	size_t width;
	void (*add)(struct wt_text *out, uint64_t value);
	size_t offset;
} columns[] = {
	{ "files", 6, wt_text_u64, offsetof(struct wt_figures, files) },
	{ "writes", 10, wt_text_u64, offsetof(struct wt_figures, writes) },
	{ "bytes", 12, add_bytes, offsetof(struct wt_figures, bytes) },
	{ "errors", 8, wt_text_u64, offsetof(struct wt_figures, errors) },
	{ "p50 us", 9, add_us, offsetof(struct wt_figures, p50_ns) },
	{ "p99 us", 9, add_us, offsetof(struct wt_figures, p99_ns) },
	{ "max us", 9, add_us, offsetof(struct wt_figures, max_ns) },
};

static void add_head(struct wt_text *out, size_t pattern_width)
{
	wt_text_str(out, "  ");
	add_left(out, "rule", 4, pattern_width);
	add_left(out, "level", 5, LEVEL_WIDTH);
	add_left(out, "engine", 6, ENGINE_WIDTH);
	for (size_t i = 0; i < WT_LENGTH(columns); i++) {
		size_t start = out->len;
		wt_text_str(out, " ");
		wt_text_str(out, columns[i].title);
		wt_text_pad(out, start, columns[i].width, true);
	}
	wt_text_str(out, "\n");
}

static void add_row(struct wt_text *out, size_t pattern_width, const struct wt_rule *rule,
		    const char *engine, const struct wt_figures *figures)
{
	const char *level = wt_level_name(rule->level);

	wt_text_str(out, "  ");
	add_left(out, rule->pattern, rule->pattern_len, pattern_width);
	add_left(out, level, strlen(level), LEVEL_WIDTH);
	add_left(out, engine, strlen(engine), ENGINE_WIDTH);
	for (size_t i = 0; i < WT_LENGTH(columns); i++) {
		size_t start = out->len;
		uint64_t value;

		wt_text_str(out, " ");
		memcpy(&value, (const char *)figures + columns[i].offset, sizeof(value));
		columns[i].add(out, value);
		wt_text_pad(out, start, columns[i].width, true);
	}
	if (figures->reason && *figures->reason) {
		wt_text_str(out, "\n    why: ");
		wt_text_str(out, figures->reason);
	}
	if (figures->elided) {
		wt_text_str(out, "\n    fsync=elide: left out ");
		add_times(out, figures->elided);
	}
	wt_text_str(out, "\n");
}

/* Characters of the widest pattern in the table; a very long one gets a ragged line. */
static size_t widest_pattern(const struct wt_policy *policy)
{
	const size_t most = 40;
	size_t widest = sizeof("rule") - 1;

	for (size_t i = 0; i < policy->rules_len; i++) {
		const struct wt_rule *rule = &policy->rules[i];
		size_t width = wt_text_width(rule->pattern, rule->pattern_len);
		if (!wt_rule_is_idle(i) && width > widest)
			widest = width < most ? width : most;
	}
	return widest;
}

static void add_rules(struct wt_text *out, const struct wt_policy *policy)
{
	size_t width = widest_pattern(policy);
	struct wt_figures figures;

	add_head(out, width);
	for (size_t i = 0; i < policy->rules_len; i++) {
		for (int engine = 0; engine < WT_ENGINES; engine++) {
			if (wt_figures_read(&figures, i, engine))
				add_row(out, width, &policy->rules[i], wt_engine_name(engine),
					&figures);
		}
	}
	if (wt_stats_files_lost()) {
		wt_text_str(out,
			    "  files: at least so many; past what the report can tell apart, ");
		wt_text_str(out, "files were opened ");
		add_times(out, wt_stats_files_lost());
		wt_text_str(out, "\n");
	}
}

/* Files under a rule with level off are not counted: nothing is known of those. */
static void add_idle_rules(struct wt_text *out, const struct wt_policy *policy)
{
	size_t start = out->len;

	for (size_t i = 0; i < policy->rules_len; i++) {
		const struct wt_rule *rule = &policy->rules[i];
		if (rule->level == WT_LEVEL_OFF || !wt_rule_is_idle(i))
			continue;
		wt_text_str(out, out->len == start ? "  no file matched: " : " ");
		wt_text_plain(out, rule->pattern, rule->pattern_len);
	}
	if (out->len > start)
		wt_text_str(out, "\n");
}

static void add_event(struct wt_text *out, const struct wt_event *event)
{
	const char *remedy = wt_reason_remedy(event->reason);

	wt_text_str(out, "    ");
	wt_text_plain(out, event->path, strlen(event->path));
	if (event->kind == WT_EVENT_FALL) {
		wt_text_str(out, ": ");
		wt_text_str(out, event->from);
		wt_text_str(out, " to ");
		wt_text_str(out, event->to);
	}
	wt_text_str(out, ", ");
	add_times(out, wt_event_count(event));
	wt_text_str(out, ": ");
	wt_text_str(out, event->reason);
	if (*remedy) {
		wt_text_str(out, "\n      what to do: ");
		wt_text_str(out, remedy);
	}
	wt_text_str(out, "\n");
}

static void add_events(struct wt_text *out, enum wt_event_kind kind, const char *title)
{
	uint64_t lost = wt_stats_events_lost(kind);
	size_t start = out->len;

	for (size_t i = 0; i < WT_EVENTS; i++) {
		const struct wt_event *event = wt_stats_event_at(i);
		if (!event || event->kind != kind)
			continue;
		if (out->len == start)
			wt_text_str(out, title);
		add_event(out, event);
	}
	if (lost) {
		wt_text_str(out, out->len == start ? title : "");
		wt_text_str(out, "    more than the report can hold, ");
		add_times(out, lost);
		wt_text_str(out, "\n");
	}
}

void wt_report_text(struct wt_text *out, const struct wt_policy *policy)
{
	wt_text_str(out, "libwt: ");
	wt_text_plain(out, wt_log_program(), strlen(wt_log_program()));
	wt_text_str(out, " (pid ");
	wt_text_u64(out, getpid());
	wt_text_str(out, "), ");
	wt_text_decimal(out, wt_stats_elapsed_ms(), 3);
	wt_text_str(out, " s");
	if (!wt_stats_any()) {
		wt_text_str(out,
			    policy->rules_len ? ": no file matched any rule\n" : ": no rules\n");
		return;
	}
	wt_text_str(out, "\n");
	add_rules(out, policy);
	add_idle_rules(out, policy);
	add_events(out, WT_EVENT_FALL, "  fell to another engine, never to a weaker promise:\n");
	add_events(out, WT_EVENT_NOT_COVERED, "  NOT COVERED, as without libwt:\n");
}
