/* SPDX-License-Identifier: MIT */
/*
 * libFuzzer target: whatever bytes are given for rules, the parser takes or
 * refuses them by its contract, and what it takes survives its normal form.
 * The first byte picks the form; the bytes behind the last NUL are a path to match.
 */
#define _GNU_SOURCE
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/policy.h"
#include "fuzz.h"

/* In a block of its own size, so that a byte too far is an error. */
static char *exact_copy(const void *bytes, size_t len)
{
	char *copy = malloc(len ? len : 1);

	require(copy);
	memcpy(copy, bytes, len);
	return copy;
}

static void check_error(const struct wt_policy_error *error, const char *text, size_t len,
			enum wt_policy_form form)
{
	char buf[512];

	require(error->rule >= 1 && error->rule <= wt_policy_count(text, len, form));
	require(error->column >= 1 && error->column <= len + 1);
	require(error->given >= text && error->given + error->given_len <= text + len);
	require(error->expected && *error->expected);
	require(wt_policy_error_format(error, form, buf, sizeof(buf)) < sizeof(buf));
	require(!strchr(buf, '\n'));
}

static void check_round_trip(const struct wt_rule *rule)
{
	size_t len = wt_rule_format(rule, NULL, 0);
	char *text = malloc(len + 1);

	require(text && wt_rule_format(rule, text, len + 1) == len);
	for (int form = WT_POLICY_LIST; form <= WT_POLICY_LINES; form++) {
		struct wt_rule again;
		struct wt_policy policy = { .rules = &again, .rules_max = 1 };
		struct wt_policy_error error;

		require(!wt_policy_parse(&policy, text, len, form, &error));
		require(policy.rules_len == 1);
		require(again.pattern_len == rule->pattern_len);
		require(!memcmp(again.pattern, rule->pattern, rule->pattern_len));
		require(again.whole_path == rule->whole_path && again.level == rule->level);
		require(again.engine == rule->engine && again.cache_drop == rule->cache_drop);
		require(again.fsync_elide == rule->fsync_elide);
		require(again.window_bytes == rule->window_bytes);
	}
	free(text);
}

static void check_match(const struct wt_policy *policy, const char *path)
{
	const struct wt_rule *rule = wt_policy_match(policy, path);

	for (size_t i = 0; i < policy->rules_len; i++) {
		struct wt_policy one = { .rules = &policy->rules[i],
					 .rules_max = 1,
					 .rules_len = 1 };
		bool matches = wt_policy_match(&one, path);

		if (rule == &policy->rules[i])
			require(matches);
		if (rule == &policy->rules[i])
			return;
		require(!matches);
	}
	require(!rule);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	enum wt_policy_form form = size && data[0] & 1 ? WT_POLICY_LINES : WT_POLICY_LIST;
	const uint8_t *body = data + (size > 0);
	size_t body_len = size - (size > 0);
	const uint8_t *nul = memrchr(body, 0, body_len);
	size_t len = nul ? (size_t)(nul - body) : body_len;
	char *text = exact_copy(body, len);
	struct wt_policy policy = { .rules_max = wt_policy_count(text, len, form) };
	struct wt_policy_error error;

	policy.rules = calloc(policy.rules_max, sizeof(*policy.rules));
	require(policy.rules);
	if (wt_policy_parse(&policy, text, len, form, &error)) {
		require(policy.rules_len == 0);
		check_error(&error, text, len, form);
	}
	for (size_t i = 0; i < policy.rules_len; i++)
		check_round_trip(&policy.rules[i]);
	if (nul) {
		size_t path_len = body + body_len - nul - 1;
		char *path = calloc(1, path_len + 2);

		require(path);
		path[0] = '/';
		memcpy(path + 1, nul + 1, path_len);
		check_match(&policy, path);
		free(path);
	}
	free(policy.rules);
	free(text);
	return 0;
}
