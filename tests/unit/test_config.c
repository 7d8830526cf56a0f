/* SPDX-License-Identifier: MIT */
/* What the environment says, and what is said of what it should not; the log goes to a file. */
#define _GNU_SOURCE
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/base.h"
#include "report/log.h"
#include "scratch.h"
#include "state/config.h"

static char log_variable[PATH_MAX];

static void setup(void)
{
	scratch_make();
	scratch_write("log", "", 0);
	snprintf(log_variable, sizeof(log_variable), "WT_LOG_FILE=%s", scratch_path("log"));
}

TestSuite(config, .init = setup, .fini = scratch_remove, .timeout = 120);

/* With up to four variables, and the log in its file. */
static int load(const char *one, const char *two, const char *three, const char *four)
{
	const char *given[] = { log_variable, "PATH=/bin", one, two, three, four };
	char *environment[WT_LENGTH(given) + 1] = { 0 };
	size_t len = 0;

	for (size_t i = 0; i < WT_LENGTH(given); i++)
		if (given[i])
			environment[len++] = strdup(given[i]);
	int err = wt_config_load(environment);
	/* As programs do, to set their title. */
	for (size_t i = 0; i < len; i++) {
		memset(environment[i], 'x', strlen(environment[i]));
		free(environment[i]);
	}
	return err;
}

static const char *logged(void)
{
	return scratch_contents(scratch_path("log"));
}

static const char *file_variable(const char *path)
{
	static char variable[PATH_MAX + 32];

	snprintf(variable, sizeof(variable), "WT_POLICY_FILE=%s", path);
	return variable;
}

static const char *file_of_rules(const char *rules)
{
	const char *path = scratch_write("rules", rules, strlen(rules));

	chmod(path, 0600);
	return file_variable(path);
}

Test(config, without_rules_libwt_is_not_active)
{
	cr_expect_eq(load(NULL, NULL, NULL, NULL), 0);
	cr_expect_not(wt_config.active);
	cr_expect_null(wt_config.report);
	cr_expect_str_eq(logged(), "");
}

Test(config, rules_outlive_the_environment)
{
	cr_expect_eq(
		load("WT_POLICY=*.db=dsync;*-wal=through", "WT_REPORT=/tmp/report", NULL, NULL), 0);
	cr_expect(wt_config.active);
	cr_assert_eq(wt_config.policy.rules_len, 2u);
	const struct wt_rule *rule = wt_policy_match(&wt_config.policy, "/a/b-wal");
	cr_assert_not_null(rule);
	cr_expect_eq(rule->level, WT_LEVEL_THROUGH);
	cr_expect_str_eq(wt_config.report, "/tmp/report");
}

Test(config, what_matters_of_a_file_follows_from_the_strongest_rule)
{
	static const struct {
		const char *rules;
		bool covers, sizes, names, elides;
	} cases[] = {
		{ "WT_POLICY=a=off", false, false, false, false },
		{ "WT_POLICY=a=async", true, false, false, false },
		{ "WT_POLICY=a=through", true, true, false, false },
		{ "WT_POLICY=a=dsync", true, true, true, false },
		{ "WT_POLICY=a=sync;b=off", true, true, true, false },
		{ "WT_POLICY=a=off;b=dsync,fsync=elide", true, true, true, true },
	};

	for (size_t i = 0; i < WT_LENGTH(cases); i++) {
		wt_config = (struct wt_config){ 0 };
		cr_expect_eq(load(cases[i].rules, NULL, NULL, NULL), 0);
		cr_expect(wt_config.active);
		cr_expect_eq(wt_config.covers, cases[i].covers, "%s", cases[i].rules);
		cr_expect_eq(wt_config.sizes, cases[i].sizes, "%s", cases[i].rules);
		cr_expect_eq(wt_config.names, cases[i].names, "%s", cases[i].rules);
		cr_expect_eq(wt_config.elides, cases[i].elides, "%s", cases[i].rules);
	}
}

Test(config, rules_of_the_variable_come_before_those_of_the_file)
{
	cr_expect_eq(
		load(file_of_rules("# all else\n\n*=off\n"), "WT_POLICY=*.db=sync", NULL, NULL), 0);
	cr_assert_eq(wt_config.policy.rules_len, 2u);
	cr_expect_eq(wt_policy_match(&wt_config.policy, "/a.db")->level, WT_LEVEL_SYNC);
	cr_expect_eq(wt_policy_match(&wt_config.policy, "/a.log")->level, WT_LEVEL_OFF);
}

Test(config, a_fault_drops_all_rules)
{
	cr_expect_eq(load("WT_POLICY=*.db=sync", file_of_rules("*=off\n*=durable\n"), NULL, NULL),
		     0);
	cr_expect_not(wt_config.active);
	cr_expect_eq(wt_config.policy.rules_len, 0u);
	cr_expect(strstr(logged(), "error: ") && strstr(logged(), "line 2") &&
			  strstr(logged(), "durable"),
		  "%s", logged());
}

Test(config, a_fault_ends_the_program_under_strict)
{
	cr_expect_eq(load("WT_POLICY=*=durable", "WT_STRICT=1", NULL, NULL), -EINVAL);
	cr_expect_not(wt_config.active);
	cr_expect(strstr(logged(), "WT_POLICY: "), "%s", logged());
}

/* One line that names the file and what is wrong with it. */
static void expect_refused(const char *path, const char *why)
{
	char where[PATH_MAX];

	strcpy(where, path);
	cr_expect_eq(load(file_variable(where), "WT_STRICT=1", NULL, NULL), -EINVAL);
	cr_expect_not(wt_config.active);
	cr_expect(strstr(logged(), where) && strstr(logged(), why) && strstr(logged(), "expected"),
		  "%s", logged());
}

Test(config, a_file_of_rules_that_is_not_there_is_named)
{
	expect_refused(scratch_path("missing"), "No such file");
}

Test(config, a_directory_is_no_file_of_rules)
{
	expect_refused(scratch_dir(), "Invalid argument");
}

Test(config, a_fifo_is_no_file_of_rules)
{
	cr_assert_eq(mkfifo(scratch_path("fifo"), 0600), 0);
	expect_refused(scratch_path("fifo"), "Invalid argument");
}

Test(config, a_file_of_rules_that_others_can_write_is_not_root_s)
{
	if (geteuid())
		cr_skip_test("this machine: not root");
	chmod(scratch_write("rules", "*=sync\n", 7), 0622);
	expect_refused(scratch_path("rules"), "others can write it");
}

/* A megabyte of comment, and one byte less. */
Test(config, a_file_of_rules_has_a_size_that_it_may_have)
{
	size_t size = 1 << 20;
	char *text = malloc(size);

	memset(text, '#', size);
	memcpy(text + size - 8, "\n*=sync\n", 8);
	chmod(scratch_write("rules", text + 1, size - 1), 0600);
	cr_expect_eq(load(file_variable(scratch_path("rules")), NULL, NULL, NULL), 0);
	cr_expect(wt_config.active);
	wt_config = (struct wt_config){ 0 };
	chmod(scratch_write("rules", text, size), 0600);
	expect_refused(scratch_path("rules"), "File too large");
	free(text);
}

Test(config, more_rules_than_have_numbers_are_refused)
{
	static char text[6 * 65536];

	for (size_t i = 0; i < 65536; i++)
		memcpy(text + 6 * i, "a=off\n", 6);
	text[sizeof(text) - 1] = '\0';
	cr_expect_eq(load(file_of_rules(text + 6), NULL, NULL, NULL), 0);
	cr_expect_eq(wt_config.policy.rules_len, 65535u);
	wt_config = (struct wt_config){ 0 };
	cr_expect_eq(load(file_of_rules(text), "WT_STRICT=1", NULL, NULL), -EINVAL);
	cr_expect(strstr(logged(), "65536 rules; expected 65535"), "%s", logged());
}

Test(config, disabled_libwt_reads_no_rules)
{
	cr_expect_eq(load("WT_DISABLE=1", "WT_POLICY=*=durable", "WT_STRICT=1", "WT_REPORT=r"), 0);
	cr_expect_not(wt_config.active);
	cr_expect_null(wt_config.report);
	cr_expect_str_eq(logged(), "");
}

static const struct {
	const char *variable;
	bool is_on;
	const char *said;
} switches[] = {
	{ "WT_STRICT=0", false, NULL },
	{ "WT_STRICT=1", true, NULL },
	{ "WT_STRICT=", false, NULL },
	{ "WT_STRICT=yes", true, "WT_STRICT=yes: expected 0 or 1; taken as 1" },
	{ "WT_STRICT=00", true, "WT_STRICT=00: expected 0 or 1; taken as 1" },
};

Test(config, a_switch_is_on_unless_it_is_0_or_empty)
{
	for (size_t i = 0; i < WT_LENGTH(switches); i++) {
		wt_config = (struct wt_config){ 0 };
		scratch_write("log", "", 0);
		cr_expect_eq(load(switches[i].variable, NULL, NULL, NULL), 0);
		cr_expect_eq(wt_config.strict, switches[i].is_on, "%s", switches[i].variable);
		if (switches[i].said)
			cr_expect(strstr(logged(), switches[i].said), "%s", logged());
		else
			cr_expect_str_eq(logged(), "");
	}
}

Test(config, a_variable_that_libwt_does_not_have_is_named)
{
	load("WT_POLICIES=*=sync", "WTX=1", "WT_=", "XWT_POLICY=a");
	cr_expect(strstr(logged(), "WT_POLICIES is no variable of libwt"), "%s", logged());
	cr_expect(strstr(logged(), "WT_ is no variable of libwt"), "%s", logged());
	cr_expect_not(strstr(logged(), "WTX"), "%s", logged());
	cr_expect_not(wt_config.active);
}

Test(config, the_first_of_two_that_is_not_empty_counts)
{
	load("WT_POLICY=", "WT_POLICY=a=sync", "WT_POLICY=b=off;c=off", NULL);
	cr_assert_eq(wt_config.policy.rules_len, 1u);
	cr_expect_eq(wt_config.policy.rules[0].level, WT_LEVEL_SYNC);
}

Test(config, the_level_of_the_log_is_taken)
{
	load("WT_LOG=debug", NULL, NULL, NULL);
	cr_expect_eq(wt_log_threshold, WT_LOG_DEBUG);
}

Test(config, a_level_of_the_log_that_is_none_is_named)
{
	load("WT_LOG=verbose", NULL, NULL, NULL);
	cr_expect_eq(wt_log_threshold, WT_LOG_WARN);
	cr_expect(strstr(logged(), "WT_LOG=verbose: expected error, warn, info or debug"), "%s",
		  logged());
}
