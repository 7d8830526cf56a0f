/* SPDX-License-Identifier: MIT */
/* The report as one JSON object on one line. */
#define _GNU_SOURCE
#include <string.h>
#include <unistd.h>

#include "base/reason.h"
#include "os/sys.h"
#include "report/figures.h"
#include "report/form.h"
#include "report/unruled.h"

static void add_string(struct wt_text *out, const char *key, const char *value)
{
	wt_text_str(out, key);
	wt_text_json(out, value, value ? strlen(value) : 0);
}

static void add_number(struct wt_text *out, const char *key, uint64_t value, unsigned int digits)
{
	wt_text_str(out, key);
	wt_text_decimal(out, value, digits);
}

/* Appends null if no time was kept. */
static void add_time(struct wt_text *out, const char *key, uint64_t unix_ms)
{
	wt_text_str(out, key);
	wt_text_str(out, unix_ms ? "\"" : "null");
	if (!unix_ms)
		return;
	wt_text_time(out, unix_ms);
	wt_text_str(out, "\"");
}

/* Called before every element of an array; appends a comma for all but the first. */
static void add_comma(struct wt_text *out, size_t array_start)
{
	if (out->len > array_start)
		wt_text_str(out, ",");
}

/* Appends a figure that only the end of a write shows; null if that end was not seen. */
static void add_end(struct wt_text *out, const char *key, const struct wt_figures *figures,
		    uint64_t value, unsigned int digits)
{
	if (figures->submitted)
		add_string(out, key, NULL);
	else
		add_number(out, key, value, digits);
}

static void add_row(struct wt_text *out, const struct wt_rule *rule,
		    const struct wt_figures *figures)
{
	wt_text_str(out, "{\"pattern\":");
	wt_text_json(out, rule->pattern, rule->pattern_len);
	add_string(out, ",\"level\":", wt_level_name(rule->level));
	add_string(out, ",\"engine\":", figures->engine);
	add_string(out, ",\"reason\":", figures->reason);
	add_number(out, ",\"files\":", figures->files, 0);
	add_number(out, ",\"writes\":", figures->writes, 0);
	add_number(out, ",\"bytes\":", figures->bytes, 0);
	add_end(out, ",\"errors\":", figures, figures->errors, 0);
	add_number(out, ",\"fsyncs_elided\":", figures->elided, 0);
	add_end(out, ",\"p50_us\":", figures, figures->p50_ns / 100, 1);
	add_end(out, ",\"p99_us\":", figures, figures->p99_ns / 100, 1);
	add_end(out, ",\"max_us\":", figures, figures->max_ns / 100, 1);
	wt_text_str(out, "}");
}

static void add_rules(struct wt_text *out, const struct wt_policy *policy)
{
	static const struct wt_figures nothing;
	struct wt_figures figures;
	size_t start = out->len;

	for (size_t rule = 0; rule < policy->rules_len + policy->called_len; rule++) {
		if (wt_rule_is_idle(rule)) {
			if (rule >= policy->rules_len)
				continue;
			add_comma(out, start);
			add_row(out, &policy->rules[rule], &nothing);
			continue;
		}
		for (unsigned int row_id = 0; row_id < WT_ROWS; row_id++) {
			if (!wt_figures_read(&figures, rule, row_id))
				continue;
			add_comma(out, start);
			add_row(out, &policy->rules[rule], &figures);
		}
	}
}

static void add_event(struct wt_text *out, enum wt_event_kind kind, const struct wt_event *event,
		      uint64_t count)
{
	const char *remedy = wt_reason_remedy(event->reason);

	add_string(out, "{\"path\":", event->path[0] ? event->path : NULL);
	if (kind == WT_EVENT_FALL) {
		add_string(out, ",\"from\":", event->from);
		add_string(out, ",\"to\":", event->to);
	}
	add_string(out, kind == WT_EVENT_NOT_COVERED ? ",\"way\":" : ",\"reason\":", event->reason);
	add_string(out, ",\"remedy\":", *remedy ? remedy : NULL);
	add_number(out, ",\"count\":", count, 0);
	wt_text_str(out, "}");
}

static void add_events(struct wt_text *out, enum wt_event_kind kind)
{
	static const struct wt_event lost = { .reason = "more than the report can hold" };
	size_t start = out->len;

	for (size_t i = 0; i < WT_EVENTS; i++) {
		const struct wt_event *event = wt_stats_event_at(i);
		if (!event || event->kind != kind)
			continue;
		add_comma(out, start);
		add_event(out, kind, event, wt_event_count(event));
	}
	if (wt_stats_events_lost(kind)) {
		add_comma(out, start);
		add_event(out, kind, &lost, wt_stats_events_lost(kind));
	}
}

static void add_unruled(struct wt_text *out)
{
	struct wt_unruled_figures top[WT_UNRULED_TOP + 1];
	size_t len = wt_unruled_top(top), start = out->len;

	for (size_t i = 0; i < len; i++) {
		add_comma(out, start);
		add_string(out, "{\"path\":", top[i].path);
		if (top[i].writes)
			add_number(out, ",\"writes\":", top[i].writes, 0);
		else
			wt_text_str(out, ",\"writes\":null");
		add_number(out, ",\"bytes\":", top[i].bytes, 0);
		add_number(out, ",\"files\":", top[i].files, 0);
		wt_text_str(out, "}");
	}
}

void wt_report_json(struct wt_text *out, const struct wt_policy *policy, const char *exe)
{
	add_string(out, "{\"version\":", WT_VERSION);
	add_number(out, ",\"pid\":", getpid(), 0);
	add_string(out, ",\"exe\":", exe);
	add_time(out, ",\"start\":", wt_stats_started_ms());
	add_time(out, ",\"end\":", wt_stats_started_ms() ? wt_sys_unix_ms() : 0);
	add_number(out, ",\"seconds\":", wt_stats_elapsed_ms(), 3);
	wt_text_str(out, ",\"rules\":[");
	add_rules(out, policy);
	wt_text_str(out, "],\"falls\":[");
	add_events(out, WT_EVENT_FALL);
	wt_text_str(out, "],\"errors_shared\":[");
	add_events(out, WT_EVENT_ERRORS_SHARED);
	wt_text_str(out, "],\"not_covered\":[");
	add_events(out, WT_EVENT_NOT_COVERED);
	wt_text_str(out, "],\"unruled\":[");
	add_unruled(out);
	wt_text_str(out, "]}\n");
}
