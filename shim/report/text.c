/* SPDX-License-Identifier: MIT */
/* The report as text for people. */
#include <string.h>
#include <unistd.h>

#include "base/base.h"
#include "base/label.h"
#include "base/reason.h"
#include "os/process.h"
#include "report/figures.h"
#include "report/form.h"
#include "report/log.h"
#include "report/unruled.h"

/* A list is broken into lines of this many characters. */
#define LINE_WIDTH 100

/*
 * The reasons that the report has given so far. A row or an event shows the number of its reason,
 * and the end of the report lists each reason and its remedy once. When the list is full, a row
 * shows the words themselves.
 */
struct whys {
	const char *words[96];
	size_t len;
};

/* The number of the reason, counted from 1, or 0 if the list is full. */
static size_t number_of(struct whys *whys, const char *words)
{
	for (size_t i = 0; i < whys->len; i++) {
		if (whys->words[i] == words || !strcmp(whys->words[i], words))
			return i + 1;
	}
	if (whys->len == WT_LENGTH(whys->words))
		return 0;
	whys->words[whys->len++] = words;
	return whys->len;
}

static void add_mark(struct wt_text *out, size_t number)
{
	wt_text_str(out, "[");
	wt_text_u64(out, number);
	wt_text_str(out, "]");
}

static void add_why(struct wt_text *out, struct whys *whys, const char *before, const char *words)
{
	if (!words || !*words)
		return;
	size_t number = number_of(whys, words);
	wt_text_str(out, before);
	if (number)
		add_mark(out, number);
	else
		wt_text_str(out, words);
}

static void add_whys(struct wt_text *out, const struct whys *whys)
{
	if (whys->len)
		wt_text_str(out, "  why:\n");
	for (size_t i = 0; i < whys->len; i++) {
		const char *remedy = wt_reason_remedy(whys->words[i]);

		wt_text_str(out, "    ");
		add_mark(out, i + 1);
		wt_text_str(out, " ");
		wt_text_str(out, whys->words[i]);
		if (*remedy) {
			wt_text_str(out, "\n      what to do: ");
			wt_text_str(out, remedy);
		}
		wt_text_str(out, "\n");
	}
}

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

static void add_left(struct wt_text *out, const char *str, size_t width)
{
	size_t start = out->len;

	wt_text_str(out, str);
	wt_text_pad(out, start, width, false);
	wt_text_str(out, "  ");
}

static void add_label(struct wt_text *out, const struct wt_rule *rule, size_t width)
{
	size_t start = out->len;

	wt_label_add(out, rule->pattern, rule->pattern_len);
	wt_text_pad(out, start, width, false);
	wt_text_str(out, "  ");
}

#define LEVEL_WIDTH (sizeof("through") - 1)
#define UNRULED_BYTES_WIDTH 16
#define UNRULED_WRITES_WIDTH 11
#define ENGINE_WIDTH (sizeof("writeback") - 1)

static const struct column {
	const char *title;
	size_t width;
	void (*add)(struct wt_text *out, uint64_t value);
	size_t offset;
	enum {
		ALWAYS,
		OF_END,
		OF_TIME
	} known; /* always; if ends of writes are seen; if one was seen */
} columns[] = {
	{ "files", 6, wt_text_u64, offsetof(struct wt_figures, files), ALWAYS },
	{ "writes", 10, wt_text_u64, offsetof(struct wt_figures, writes), ALWAYS },
	{ "bytes", 12, add_bytes, offsetof(struct wt_figures, bytes), ALWAYS },
	{ "errors", 8, wt_text_u64, offsetof(struct wt_figures, errors), OF_END },
	{ "p50 us", 9, add_us, offsetof(struct wt_figures, p50_ns), OF_TIME },
	{ "p99 us", 9, add_us, offsetof(struct wt_figures, p99_ns), OF_TIME },
	{ "max us", 9, add_us, offsetof(struct wt_figures, max_ns), OF_TIME },
};

static bool is_known(const struct wt_figures *figures, size_t column)
{
	switch (columns[column].known) {
	case OF_END:
		return !figures->submitted;
	case OF_TIME:
		return !figures->submitted && figures->writes;
	default:
		return true;
	}
}

static void add_head(struct wt_text *out, size_t pattern_width)
{
	wt_text_str(out, "  ");
	add_left(out, "rule", pattern_width);
	add_left(out, "level", LEVEL_WIDTH);
	add_left(out, "engine", ENGINE_WIDTH);
	for (size_t i = 0; i < WT_LENGTH(columns); i++) {
		size_t start = out->len;
		wt_text_str(out, " ");
		wt_text_str(out, columns[i].title);
		wt_text_pad(out, start, columns[i].width, true);
	}
	wt_text_str(out, "  why\n");
}

static void add_row(struct wt_text *out, struct whys *whys, size_t pattern_width,
		    const struct wt_rule *rule, const struct wt_figures *figures)
{
	wt_text_str(out, "  ");
	add_label(out, rule, pattern_width);
	add_left(out, wt_level_name(rule->level), LEVEL_WIDTH);
	add_left(out, figures->engine, ENGINE_WIDTH);
	for (size_t i = 0; i < WT_LENGTH(columns); i++) {
		size_t start = out->len;
		uint64_t value;

		wt_text_str(out, " ");
		memcpy(&value, (const char *)figures + columns[i].offset, sizeof(value));
		if (!is_known(figures, i))
			wt_text_str(out, "-");
		else
			columns[i].add(out, value);
		wt_text_pad(out, start, columns[i].width, true);
	}
	add_why(out, whys, "  ", figures->reason);
	if (figures->elided) {
		wt_text_str(out, "\n    fsync=elide: left out ");
		add_times(out, figures->elided);
	}
	wt_text_str(out, "\n");
}

/* The number of characters of the widest label in the table. */
static size_t widest_label(const struct wt_policy *policy)
{
	size_t widest = sizeof("rule") - 1;

	for (size_t i = 0; i < policy->rules_len + policy->called_len; i++) {
		if (wt_rule_is_idle(i))
			continue;
		size_t width =
			wt_label_width(policy->rules[i].pattern, policy->rules[i].pattern_len);
		if (width > widest)
			widest = width;
	}
	return widest;
}

static void add_rules(struct wt_text *out, struct whys *whys, const struct wt_policy *policy)
{
	size_t width = widest_label(policy);
	struct wt_figures figures;

	add_head(out, width);
	for (size_t i = 0; i < policy->rules_len + policy->called_len; i++) {
		for (unsigned int row_id = 0; row_id < WT_ROWS; row_id++) {
			if (wt_figures_read(&figures, i, row_id))
				add_row(out, whys, width, &policy->rules[i], &figures);
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

/*
 * Whether it can be said of a rule that no file matched it. Files of the level off are not counted.
 */
static bool had_no_file(const struct wt_policy *policy, size_t rule)
{
	return policy->rules[rule].level != WT_LEVEL_OFF && wt_rule_is_idle(rule);
}

static void add_idle_rules(struct wt_text *out, const struct wt_policy *policy)
{
	size_t column = 0;

	for (size_t i = 0; i < policy->rules_len; i++) {
		const struct wt_rule *rule = &policy->rules[i];
		if (!had_no_file(policy, i))
			continue;
		size_t width = wt_label_width(rule->pattern, rule->pattern_len) + 1;
		if (!column)
			wt_text_str(out, "  no file matched:");
		else if (column + width > LINE_WIDTH)
			wt_text_str(out, "\n   ");
		if (!column || column + width > LINE_WIDTH)
			column = sizeof("  no file matched:");
		wt_text_str(out, " ");
		wt_label_add(out, rule->pattern, rule->pattern_len);
		column += width;
	}
	if (column)
		wt_text_str(out, "\n");
}

static void add_event(struct wt_text *out, struct whys *whys, const struct wt_event *event)
{
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
	add_why(out, whys, " ", event->reason);
	wt_text_str(out, "\n");
}

static void add_events(struct wt_text *out, struct whys *whys, enum wt_event_kind kind,
		       const char *title)
{
	uint64_t lost = wt_stats_events_lost(kind);
	size_t start = out->len;

	for (size_t i = 0; i < WT_EVENTS; i++) {
		const struct wt_event *event = wt_stats_event_at(i);
		if (!event || event->kind != kind)
			continue;
		if (out->len == start)
			wt_text_str(out, title);
		add_event(out, whys, event);
	}
	if (lost) {
		wt_text_str(out, out->len == start ? title : "");
		wt_text_str(out, "    more than the report can hold, ");
		add_times(out, lost);
		wt_text_str(out, "\n");
	}
}

static void add_unruled_file(struct wt_text *out, const struct wt_unruled_figures *file)
{
	size_t start = out->len;

	wt_text_str(out, "    ");
	add_bytes(out, file->bytes);
	wt_text_pad(out, start, UNRULED_BYTES_WIDTH, true);
	start = out->len;
	wt_text_str(out, " ");
	if (file->writes)
		wt_text_u64(out, file->writes);
	else
		wt_text_str(out, "-");
	wt_text_pad(out, start, UNRULED_WRITES_WIDTH, true);
	wt_text_str(out, "  ");
	if (file->path) {
		wt_text_plain(out, file->path, strlen(file->path));
	} else {
		wt_text_u64(out, file->files);
		wt_text_str(out, file->files == 1 ? " other file" : " other files");
	}
	wt_text_str(out, "\n");
}

/* Lists the files under no rule with the most bytes, which the policy may have forgotten. */
static void add_unruled(struct wt_text *out)
{
	struct wt_unruled_figures top[WT_UNRULED_TOP + 1];
	size_t len = wt_unruled_top(top);

	if (len)
		wt_text_str(out, "  under no rule, as without libwt:\n"
				 "           bytes     writes  file\n");
	for (size_t i = 0; i < len; i++)
		add_unruled_file(out, &top[i]);
}

static void add_first_line(struct wt_text *out)
{
	uint64_t started_ms = wt_stats_started_ms();

	wt_text_str(out, "libwt: ");
	wt_text_plain(out, wt_log_program(), strlen(wt_log_program()));
	wt_text_str(out, " (pid ");
	wt_text_u64(out, getpid());
	wt_text_str(out, "), ");
	wt_text_decimal(out, wt_stats_elapsed_ms(), 3);
	wt_text_str(out, " s");
	if (started_ms) {
		wt_text_str(out, " from ");
		wt_text_time(out, started_ms);
	}
}

void wt_report_text(struct wt_text *out, const struct wt_policy *policy)
{
	struct whys whys = { .len = 0 };

	add_first_line(out);
	if (!wt_stats_any()) {
		wt_text_str(out,
			    policy->rules_len ? ": no file matched any rule\n" : ": no rules\n");
		add_unruled(out);
		return;
	}
	wt_text_str(out, "\n");
	add_rules(out, &whys, policy);
	/* A forked child does not know which rules were idle in all processes. */
	if (!wt_process_is_fork())
		add_idle_rules(out, policy);
	add_events(out, &whys, WT_EVENT_FALL,
		   "  fell to another engine, never to a weaker promise:\n");
	add_events(out, &whys, WT_EVENT_ERRORS_SHARED,
		   "  at their level, but an error may be told to another writer of the file:\n");
	add_events(out, &whys, WT_EVENT_NOT_COVERED, "  NOT COVERED, as without libwt:\n");
	add_unruled(out);
	add_whys(out, &whys);
}
