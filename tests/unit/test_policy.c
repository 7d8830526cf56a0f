/* SPDX-License-Identifier: MIT */
/*
 * The grammar of rules: what is taken, what is refused and with which words,
 * and which rule decides for a file.
 */
#include <criterion/criterion.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "base/policy.h"

#define LENGTH(array) (sizeof(array) / sizeof((array)[0]))
#define RULES_MAX 16

static struct wt_rule rules[RULES_MAX];
static struct wt_policy_error error;

/* Parses into `rules`, which must hold as many as wt_policy_count says. */
static int parse_len(struct wt_policy *policy, const char *text, size_t len,
		     enum wt_policy_form form)
{
	*policy =
		(struct wt_policy){ .rules = rules, .rules_max = wt_policy_count(text, len, form) };
	cr_assert_leq(policy->rules_max, RULES_MAX);
	return wt_policy_parse(policy, text, len, form, &error);
}

static struct wt_policy parse(const char *text, enum wt_policy_form form)
{
	struct wt_policy policy;
	int ret = parse_len(&policy, text, strlen(text), form);

	cr_assert_eq(ret, 0, "%s: column %zu: expected %s", text, error.column, error.expected);
	return policy;
}

static struct wt_rule parse_one(const char *text)
{
	struct wt_policy policy = parse(text, WT_POLICY_LIST);

	cr_assert_eq(policy.rules_len, 1, "%s", text);
	return rules[0];
}

static bool same_rule(const struct wt_rule *a, const struct wt_rule *b)
{
	return a->pattern_len == b->pattern_len &&
	       !memcmp(a->pattern, b->pattern, a->pattern_len) && a->whole_path == b->whole_path &&
	       a->level == b->level && a->engine == b->engine && a->cache_drop == b->cache_drop &&
	       a->window_bytes == b->window_bytes;
}

Test(policy, rule_without_options_has_the_defaults)
{
	static const enum wt_level levels[] = { WT_LEVEL_OFF, WT_LEVEL_ASYNC, WT_LEVEL_THROUGH,
						WT_LEVEL_DSYNC, WT_LEVEL_SYNC };
	static const char *const names[] = { "off", "async", "through", "dsync", "sync" };

	for (size_t i = 0; i < LENGTH(levels); i++) {
		char text[64];
		struct wt_rule rule;

		snprintf(text, sizeof(text), "*.db=%s", names[i]);
		rule = parse_one(text);
		cr_expect_eq(rule.level, levels[i]);
		cr_expect_str_eq(wt_level_name(rule.level), names[i]);
		cr_expect_eq(rule.engine, WT_ENGINE_AUTO);
		cr_expect_not(rule.cache_drop);
		cr_expect_eq(rule.window_bytes, WT_WINDOW_DEFAULT);
		cr_expect_not(rule.whole_path);
		cr_expect_eq(rule.pattern, text);
		cr_expect_eq(rule.pattern_len, 4);
	}
}

Test(policy, options_are_taken_in_any_order)
{
	struct wt_rule rule = parse_one("/var/*=through,fsync=keep,cache=drop,engine=direct");

	cr_expect_eq(rule.level, WT_LEVEL_THROUGH);
	cr_expect_eq(rule.engine, WT_ENGINE_DIRECT);
	cr_expect(rule.cache_drop);
	cr_expect(rule.whole_path);
	rule = parse_one("a=async,cache=keep,window=1M,engine=writeback");
	cr_expect_eq(rule.engine, WT_ENGINE_WRITEBACK);
	cr_expect_eq(rule.window_bytes, 1 << 20);
	cr_expect_not(rule.cache_drop);
}

Test(policy, windows_are_sizes_from_64K_to_1G)
{
	static const struct {
		const char *value;
		uint64_t bytes; /* 0: refused */
	} cases[] = {
		{ "64K", 64 << 10 },
		{ "65536", 64 << 10 },
		{ "100000", 100000 },
		{ "1023M", 1023 << 20 },
		{ "1G", 1 << 30 },
		{ "1073741824", 1 << 30 },
		{ "0064K", 64 << 10 },
		{ "65535", 0 },
		{ "63K", 0 },
		{ "1073741825", 0 },
		{ "2G", 0 },
		{ "1025M", 0 },
		{ "0", 0 },
		{ "", 0 },
		{ "K", 0 },
		{ "8m", 0 },
		{ "8MB", 0 },
		{ "8 M", 0 },
		{ "-8M", 0 },
		{ "0x10000", 0 },
		{ "8.5M", 0 },
		{ "18446744073709551616", 0 },
		{ "18446744073709617152", 0 },
		{ "17179869185G", 0 },
		{ "99999999999999999999999999999999M", 0 },
	};

	for (size_t i = 0; i < LENGTH(cases); i++) {
		char text[96];
		struct wt_policy policy;
		int ret;

		snprintf(text, sizeof(text), "f=async,window=%s", cases[i].value);
		ret = parse_len(&policy, text, strlen(text), WT_POLICY_LIST);
		cr_expect_eq(ret, cases[i].bytes ? 0 : -EINVAL, "%s", text);
		if (!ret)
			cr_expect_eq(rules[0].window_bytes, cases[i].bytes, "%s", text);
		else
			cr_expect_str_eq(error.expected, "a size from 64K to 1G", "%s", text);
	}
}

Test(policy, an_engine_is_refused_at_a_level_that_it_does_not_serve)
{
	static const char *const levels[] = { "async", "through", "dsync", "sync" };
	static const struct {
		const char *engine;
		const char *serves; /* y or n, level by level */
	} cases[] = {
		{ "auto", "yyyy" },
		{ "writeback", "yynn" },
		{ "dsync", "nyyy" },
		{ "direct", "nyyy" },
	};

	for (size_t i = 0; i < LENGTH(cases); i++) {
		for (size_t level = 0; level < LENGTH(levels); level++) {
			bool serves = cases[i].serves[level] == 'y';
			struct wt_policy policy;
			char text[64];
			int len = snprintf(text, sizeof(text), "f=%s,engine=%s", levels[level],
					   cases[i].engine);
			int ret = parse_len(&policy, text, len, WT_POLICY_LIST);

			cr_expect_eq(ret, serves ? 0 : -EINVAL, "%s", text);
			if (serves)
				cr_expect_str_eq(wt_engine_name(rules[0].engine), cases[i].engine);
			else
				cr_expect_eq(error.column, (size_t)(strchr(text, ',') - text) + 9,
					     "%s", text);
		}
	}
}

/* Rule or line, column, what stood there, what was expected. */
struct refusal {
	const char *text;
	size_t rule, column;
	const char *given;
	const char *expected;
};

static void expect_refusals(const struct refusal *cases, size_t count, enum wt_policy_form form)
{
	for (size_t i = 0; i < count; i++) {
		const struct refusal *c = &cases[i];
		struct wt_policy policy;

		cr_assert_eq(parse_len(&policy, c->text, strlen(c->text), form), -EINVAL, "%s",
			     c->text);
		cr_expect_eq(policy.rules_len, 0, "%s", c->text);
		cr_expect_eq(error.rule, c->rule, "%s: rule %zu", c->text, error.rule);
		cr_expect_eq(error.column, c->column, "%s: column %zu", c->text, error.column);
		cr_expect(error.given_len == strlen(c->given) &&
				  !memcmp(error.given, c->given, error.given_len),
			  "%s: given <%.*s>", c->text, (int)error.given_len, error.given);
		cr_expect_str_eq(error.expected, c->expected, "%s: expected %s", c->text,
				 error.expected);
	}
}

Test(policy, a_list_is_refused_with_place_and_expectation)
{
	static const struct refusal cases[] = {
		{ "*.db", 1, 1, "*.db", "PATTERN=LEVEL" },
		{ "*.db\\=dsync", 1, 1, "*.db\\=dsync", "PATTERN=LEVEL" },
		{ "=dsync", 1, 1, "", "a pattern before '='" },
		{ "*.db=", 1, 6, "", "a level: off, async, through, dsync or sync" },
		{ "*.db=dsnc", 1, 6, "dsnc", "a level: off, async, through, dsync or sync" },
		{ "*.db=DSYNC", 1, 6, "DSYNC", "a level: off, async, through, dsync or sync" },
		{ "*.db= dsync", 1, 6, " dsync", "a level: off, async, through, dsync or sync" },
		{ "*.db =dsync", 1, 1, "*.db ", "no blank between pattern and '='" },
		{ "a\\\\ =dsync", 1, 1, "a\\\\ ", "no blank between pattern and '='" },
		{ "a=dsync;b=of", 2, 3, "of", "a level: off, async, through, dsync or sync" },
		{ "a=dsync; b=of;c=off", 2, 3, "of",
		  "a level: off, async, through, dsync or sync" },
		{ "a=dsync;;b=off", 2, 1, "", "PATTERN=LEVEL before ';'" },
		{ ";", 1, 1, "", "PATTERN=LEVEL before ';'" },
		{ "a=dsync\nb=off", 1, 9, "b=off", "';' between two rules" },
		{ "a=dsync,", 1, 9, "", "an option: engine=, cache=, window= or fsync=" },
		{ "a=dsync,,cache=drop", 1, 9, "",
		  "an option: engine=, cache=, window= or fsync=" },
		{ "a=dsync, cache=drop", 1, 9, " cache",
		  "an option: engine=, cache=, window= or fsync=" },
		{ "a=dsync,cach=drop", 1, 9, "cach",
		  "an option: engine=, cache=, window= or fsync=" },
		{ "a=dsync,cache", 1, 9, "cache", "'=' and a value after the option" },
		{ "a=dsync,cache=", 1, 15, "", "keep or drop" },
		{ "a=dsync,cache=cold", 1, 15, "cold", "keep or drop" },
		{ "a=dsync,cache=drop,cache=drop", 1, 20, "cache=drop", "each option once" },
		{ "a=dsync,engine=dsync,fsync=keep,engine=dsync", 1, 33, "engine=dsync",
		  "each option once" },
		{ "a=async,cache=drop", 1, 15, "drop",
		  "keep: at async, pages are still on their way and cannot be dropped" },
		{ "a=off,cache=keep", 1, 7, "cache=keep", "no option after off" },
		{ "a=dsync,window=8M", 1, 9, "window=8M", "no window: only async has one" },
		{ "a=dsync,engine=none", 1, 16, "none",
		  "an engine: auto, writeback, dsync or direct" },
		{ "a=dsync,engine=uring", 1, 16, "uring",
		  "an engine: auto, writeback, dsync or direct" },
		{ "a=dsync,engine=native", 1, 16, "native",
		  "auto, writeback, dsync or direct: native is not in this version" },
		{ "a=dsync,atomic", 1, 9, "atomic",
		  "another option: atomic is not in this version" },
		{ "a=dsync,verify", 1, 9, "verify",
		  "another option: verify is not in this version" },
		{ "a=through,fsync=elide", 1, 17, "elide",
		  "keep: below dsync an fsync has something left to do" },
		{ "a=dsync,fsync=no", 1, 15, "no", "keep or elide" },
		{ "x[ab=dsync", 1, 2, "[ab", "']' to end the brackets that begin here" },
		{ "x[[:num:]]=dsync", 1, 3, "[:num:]]", "a class such as [:digit:]" },
		{ "#a=dsync", 1, 1, "#a", "\\# where a pattern begins with #" },
		{ "data/x.db=dsync", 1, 1, "data/x.db",
		  "'/' or '*' first: a pattern with '/' is matched to absolute paths" },
		{ "\\*/x=dsync", 1, 1, "\\*/x",
		  "'/' or '*' first: a pattern with '/' is matched to absolute paths" },
	};

	expect_refusals(cases, LENGTH(cases), WT_POLICY_LIST);
}

Test(policy, a_file_is_refused_with_its_line)
{
	static const struct refusal cases[] = {
		{ "# log\n\n  *-wal = dsync\n", 3, 3, "*-wal ",
		  "no blank between pattern and '='" },
		{ "a=dsync\r\nb=dsync,cache=cold\r\n", 2, 15, "cold", "keep or drop" },
		{ "a=dsync;b=off", 1, 8, ";", "one rule a line, and \\; for a ';' in a pattern" },
		{ "a=off # not this", 1, 3, "off # not this",
		  "a level: off, async, through, dsync or sync" },
	};

	expect_refusals(cases, LENGTH(cases), WT_POLICY_LINES);
}

Test(policy, a_nul_byte_is_refused)
{
	static const char text[] = "a=dsync;b\0c=off";
	struct wt_policy policy;

	cr_assert_eq(parse_len(&policy, text, sizeof(text) - 1, WT_POLICY_LIST), -EINVAL);
	cr_expect_eq(error.rule, 2);
	cr_expect_eq(error.column, 2);
	cr_expect_str_eq(error.expected, "no NUL byte");
}

Test(policy, a_pattern_holds_up_to_4095_bytes)
{
	static char text[4096 + sizeof("=off")];
	struct wt_policy policy;

	memset(text, 'x', 4096);
	memcpy(text + 4095, "=off", 4);
	cr_assert_eq(parse_len(&policy, text, 4095 + 4, WT_POLICY_LIST), 0);
	cr_expect_eq(rules[0].pattern_len, 4095);
	memcpy(text + 4095, "x=off", 5);
	cr_assert_eq(parse_len(&policy, text, 4096 + 4, WT_POLICY_LIST), -EINVAL);
	cr_expect_str_eq(error.expected, "a pattern of at most 4095 bytes");
}

Test(policy, an_error_leaves_the_policy_as_it_was)
{
	struct wt_policy policy = { .rules = rules, .rules_max = RULES_MAX };

	cr_assert_eq(wt_policy_parse(&policy, "a=off", 5, WT_POLICY_LIST, &error), 0);
	cr_assert_eq(wt_policy_parse(&policy, "b=off;c=on", 10, WT_POLICY_LIST, &error), -EINVAL);
	cr_expect_eq(policy.rules_len, 1);
	cr_assert_eq(wt_policy_parse(&policy, "d=sync", 6, WT_POLICY_LINES, &error), 0);
	cr_assert_eq(policy.rules_len, 2);
	cr_expect_eq(*policy.rules[0].pattern, 'a');
	cr_expect_eq(*policy.rules[1].pattern, 'd');
}

Test(policy, more_rules_than_room_are_refused)
{
	struct wt_policy policy = { .rules = rules, .rules_max = 1 };

	cr_assert_eq(wt_policy_parse(&policy, "a=off;b=off", 11, WT_POLICY_LIST, &error), -EINVAL);
	cr_expect_eq(policy.rules_len, 0);
	cr_expect_eq(error.rule, 2);
	cr_expect_str_eq(error.expected, "no more rules than there is room for");
}

Test(policy, blanks_empty_lines_and_comments_are_no_rules)
{
	static const struct {
		const char *text;
		enum wt_policy_form form;
		size_t rules;
	} cases[] = {
		{ "", WT_POLICY_LIST, 0 },
		{ " \n", WT_POLICY_LIST, 0 },
		{ "a=off;", WT_POLICY_LIST, 1 },
		{ " a=off ;\n b=off ;\r\n", WT_POLICY_LIST, 2 },
		{ "", WT_POLICY_LINES, 0 },
		{ "\n\r\n \t\n", WT_POLICY_LINES, 0 },
		{ "# a=off;b=off\n  # c=off\na=off\n\nb=off", WT_POLICY_LINES, 2 },
		{ "a=off\r\nb=off\r\n", WT_POLICY_LINES, 2 },
	};

	for (size_t i = 0; i < LENGTH(cases); i++) {
		struct wt_policy policy = parse(cases[i].text, cases[i].form);

		cr_expect_eq(policy.rules_len, cases[i].rules, "<%s>", cases[i].text);
		for (size_t k = 0; k < policy.rules_len; k++) {
			cr_expect_eq(rules[k].pattern_len, 1, "<%s>", cases[i].text);
			cr_expect_eq(rules[k].level, WT_LEVEL_OFF, "<%s>", cases[i].text);
		}
	}
}

static int matching_rule(const char *text, const char *path)
{
	struct wt_policy policy = parse(text, WT_POLICY_LIST);
	const struct wt_rule *rule = wt_policy_match(&policy, path);

	return rule ? rule - policy.rules : -1;
}

Test(policy, the_first_rule_that_matches_decides)
{
	static const char text[] = "*-wal=dsync;*.db=through;/srv/*=off;*=async";

	cr_expect_eq(matching_rule(text, "/srv/a.db-wal"), 0);
	cr_expect_eq(matching_rule(text, "/srv/a.db"), 1);
	cr_expect_eq(matching_rule(text, "/srv/deep/er/a"), 2);
	cr_expect_eq(matching_rule(text, "/home/a"), 3);
	cr_expect_eq(matching_rule("*-wal=dsync;*.db=through", "/srv/a.db-shm"), -1);
	cr_expect_eq(matching_rule("", "/srv/a.db"), -1);
}

Test(policy, a_slash_in_the_pattern_asks_for_the_whole_path)
{
	cr_expect_eq(matching_rule("a.db=off", "/srv/a.db"), 0);
	cr_expect_eq(matching_rule("srv=off", "/srv/a.db"), -1);
	cr_expect_eq(matching_rule("/a.db=off", "/srv/a.db"), -1);
	cr_expect_eq(matching_rule("*/a.db=off", "/srv/x/a.db"), 0);
	cr_expect_eq(matching_rule("/srv/*.db=off", "/srv/x/a.db"), 0);
	cr_expect_eq(matching_rule("\\/srv/?.db=off", "/srv/a.db"), 0);
	cr_expect_eq(matching_rule("[!/]*=off", "/srv/a.db"), -1);
}

Test(policy, a_backslash_puts_any_byte_into_a_pattern)
{
	cr_expect_eq(matching_rule("a\\=b=off", "/a=b"), 0);
	cr_expect_eq(matching_rule("a\\;b=off;c=off", "/a;b"), 0);
	cr_expect_eq(matching_rule("a\\;b=off;c=off", "/c"), 1);
	cr_expect_eq(matching_rule("\\#a=off", "/#a"), 0);
	cr_expect_eq(matching_rule("a\\ =off", "/a "), 0);
	cr_expect_eq(matching_rule("\\ a=off", "/ a"), 0);
	cr_expect_eq(matching_rule("a b=off", "/a b"), 0);
	cr_expect_eq(matching_rule("\\*=off", "/a"), -1);
	cr_expect_eq(matching_rule("\\[a=off", "/[a"), 0);
}

/* The normal form gives the same rule again, in a list as in a file. */
Test(policy, normal_form_parses_back_to_the_same_rule)
{
	static const char *const patterns[] = {
		"*.db",		"/var/lib/*/x", "a\\=b", "a\\;b", "\\#x", "\\ x\\ ",
		"[[:digit:]]*", "a b",		"\\\\",	 "\xff",  "a,b",
	};
	static const char *const tails[] = {
		"off",
		"async",
		"async,window=64K",
		"async,window=65537,engine=writeback",
		"async,window=1G,cache=keep",
		"through",
		"through,engine=writeback,cache=drop",
		"dsync,engine=dsync",
		"dsync,cache=drop,fsync=keep",
		"sync,engine=direct,cache=drop",
		"sync",
	};

	for (size_t i = 0; i < LENGTH(patterns) * LENGTH(tails); i++) {
		char text[128], formatted[128];
		struct wt_rule rule;

		snprintf(text, sizeof(text), "%s=%s", patterns[i % LENGTH(patterns)],
			 tails[i / LENGTH(patterns)]);
		rule = parse_one(text);
		cr_assert_lt(wt_rule_format(&rule, formatted, sizeof(formatted)),
			     sizeof(formatted));
		for (int form = WT_POLICY_LIST; form <= WT_POLICY_LINES; form++) {
			struct wt_policy policy = parse(formatted, form);

			cr_assert_eq(policy.rules_len, 1, "%s", formatted);
			cr_expect(same_rule(&rule, &rules[0]), "%s became %s", text, formatted);
		}
	}
}

Test(policy, normal_form_spells_options_out)
{
	static const char *const cases[][2] = {
		{ " *-wal=dsync ", "*-wal=dsync,engine=auto,cache=keep,fsync=keep" },
		{ "a=sync,fsync=elide", "a=sync,engine=auto,cache=keep,fsync=elide" },
		{ "*=async,window=1048576", "*=async,engine=auto,cache=keep,window=1M" },
		{ "*=async,window=65537", "*=async,engine=auto,cache=keep,window=65537" },
		{ "a=off", "a=off" },
		{ "/a=sync,cache=drop,engine=direct",
		  "/a=sync,engine=direct,cache=drop,fsync=keep" },
	};

	for (size_t i = 0; i < LENGTH(cases); i++) {
		struct wt_rule rule = parse_one(cases[i][0]);
		char buf[128], cut[8];
		size_t len = wt_rule_format(&rule, buf, sizeof(buf));

		cr_expect_str_eq(buf, cases[i][1]);
		cr_expect_eq(len, strlen(buf));
		cr_expect_eq(wt_rule_format(&rule, cut, sizeof(cut)), len);
		cr_expect_eq(wt_rule_format(&rule, NULL, 0), len);
	}
}

Test(policy, an_error_reads_as_one_line)
{
	struct wt_policy policy;
	char buf[512], text[256] = "a=off;b=";

	parse_len(&policy, "a=off;b=\x01\xff'", 11, WT_POLICY_LIST);
	wt_policy_error_format(&error, WT_POLICY_LIST, buf, sizeof(buf));
	cr_expect_str_eq(buf, "rule 2, column 3: '\\x01\\xff'' given, expected "
			      "a level: off, async, through, dsync or sync");
	parse_len(&policy, "a=off\n\nb=on", 11, WT_POLICY_LINES);
	wt_policy_error_format(&error, WT_POLICY_LINES, buf, sizeof(buf));
	cr_expect_str_eq(buf, "line 3, column 3: 'on' given, expected "
			      "a level: off, async, through, dsync or sync");
	memset(text + 8, '\n' + 1, sizeof(text) - 8);
	parse_len(&policy, text, sizeof(text), WT_POLICY_LIST);
	cr_expect_lt(wt_policy_error_format(&error, WT_POLICY_LIST, buf, sizeof(buf)), sizeof(buf));
	cr_expect_not_null(strstr(buf, "...' given"));
}
