/* SPDX-License-Identifier: MIT */
/*
 * The two forms of the report: what stands in them, and that any bytes in names
 * leave them whole (jq reads the JSON).
 */
#define _GNU_SOURCE
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/reason.h"
#include "os/process.h"
#include "os/sys.h"
#include "report/log.h"
#include "report/report.h"
#include "report/stats.h"
#include "report/unruled.h"
#include "scratch.h"

static struct wt_rule rules[8];
static struct wt_policy policy = { .rules = rules, .rules_max = 8 };

static void begin(void)
{
	scratch_make();
	wt_log_init(WT_LOG_WARN, NULL);
}

TestSuite(report, .init = begin, .fini = scratch_remove);

static void add_rule(const char *pattern, size_t len, enum wt_level level)
{
	rules[policy.rules_len++] = (struct wt_rule){
		.pattern = pattern,
		.pattern_len = len,
		.level = level,
	};
}

/* Two rules that saw files, one that saw none, one that is off. */
static void fill(void)
{
	add_rule("*-wal", 5, WT_LEVEL_DSYNC);
	add_rule("*.db", 4, WT_LEVEL_THROUGH);
	add_rule("*.never", 7, WT_LEVEL_THROUGH);
	add_rule("*-shm", 5, WT_LEVEL_OFF);
	cr_assert_eq(wt_stats_init(policy.rules_len), 0);
	wt_stats_file(0, WT_ENGINE_DSYNC, "asked for", 1, 1);
	wt_stats_file(1, WT_ENGINE_WRITEBACK, "ext4", 1, 2);
	wt_stats_file(1, WT_ENGINE_DSYNC, "overlayfs", 2, 2);
	for (int i = 0; i < 100; i++)
		wt_stats_write(0, WT_ENGINE_DSYNC, 4096, 50000);
	wt_stats_write(0, WT_ENGINE_DSYNC, -EIO, 2500000);
	wt_stats_write(1, WT_ENGINE_WRITEBACK, 3 << 20, 800);
}

static const char *text_report(void)
{
	wt_report_write(scratch_path("report"), &policy);
	return scratch_contents(scratch_path("report"));
}

/* What jq makes of the JSON reports, an array of them, without the last newline. */
static const char *jq_of_all(const char *filter)
{
	static char output[1 << 20];
	char command[PATH_MAX];

	snprintf(command, sizeof(command), "jq -rcs '%s' %s", filter, scratch_path("report.json"));
	FILE *stream = popen(command, "r");
	size_t len = fread(output, 1, sizeof(output) - 1, stream);
	cr_assert_eq(pclose(stream), 0, "%s", command);
	output[len ? len - 1 : 0] = '\0';
	return output;
}

static const char *jq(const char *filter)
{
	char with_first[1024];

	snprintf(with_first, sizeof(with_first), ".[0] | %s", filter);
	return jq_of_all(with_first);
}

static void json_report(void)
{
	if (system("jq --version >/dev/null 2>&1"))
		cr_skip_test("jq is not installed");
	wt_report_write(scratch_path("report.json"), &policy);
}

/* The words of the line whose first words are `start`, one blank between two. */
static const char *line_of(const char *text, const char *start)
{
	static char line[8 * PATH_MAX];

	for (const char *at = text; *at;) {
		size_t len = 0;

		for (; *at && *at != '\n'; at++) {
			if (*at != ' ' || (len && line[len - 1] != ' '))
				line[len++] = *at;
			cr_assert_lt(len, sizeof(line));
		}
		line[len] = '\0';
		if (!strncmp(line, start, strlen(start)))
			return line;
		at += *at == '\n';
	}
	cr_assert_fail("no line \"%s\" in:\n%s", start, text);
	return NULL;
}

Test(report, text_shows_each_rule_under_each_engine)
{
	fill();
	const char *text = text_report();

	cr_expect_str_eq(line_of(text, "rule"),
			 "rule level engine files writes bytes errors p50 us p99 us max us why");
	cr_expect_str_eq(line_of(text, "*-wal"),
			 "*-wal dsync dsync 1 101 400.0 KiB 1 53.2 53.2 2500 [1]");
	cr_expect_str_eq(line_of(text, "*.db through writeback"),
			 "*.db through writeback 1 1 3.0 MiB 0 0.8 0.8 0.8 [2]");
	cr_expect_str_eq(line_of(text, "*.db through dsync"),
			 "*.db through dsync 1 0 0 B 0 - - - [3]");
	cr_expect_str_eq(line_of(text, "[1]"), "[1] asked for");
	cr_expect_str_eq(line_of(text, "[2]"), "[2] ext4");
	cr_expect_str_eq(line_of(text, "[3]"), "[3] overlayfs");
}

Test(report, text_names_the_process)
{
	char start[64];

	program_invocation_short_name = "prog";
	wt_log_init(WT_LOG_WARN, NULL);
	fill();
	snprintf(start, sizeof(start), "libwt: prog (pid %d), 0.", getpid());
	line_of(text_report(), start);
}

Test(report, text_lists_rules_that_no_file_matched)
{
	fill();
	cr_expect_str_eq(line_of(text_report(), "no file"), "no file matched: *.never");
}

Test(report, text_of_a_forked_child_lists_no_rule_without_a_file)
{
	fill();
	if (!fork()) {
		wt_process_forked();
		wt_stats_write(1, WT_ENGINE_WRITEBACK, 1, 1);
		wt_report_write(scratch_path("report"), &policy);
		_exit(0);
	}
	wait(NULL);
	const char *text = scratch_contents(scratch_path("report"));
	line_of(text, "*.db through writeback");
	cr_expect_not(strstr(text, "no file matched"), "%s", text);
}

Test(report, text_of_submitted_writes_has_neither_errors_nor_times)
{
	fill();
	wt_stats_file(0, WT_ROW_IO_URING, "asked for", 1, 1);
	wt_stats_submitted(0, WT_ROW_IO_URING, 4096);
	cr_expect_str_eq(line_of(text_report(), "*-wal dsync io_uring"),
			 "*-wal dsync io_uring 1 1 4.0 KiB - - - - [1]");
}

Test(report, json_of_submitted_writes_has_null_for_errors_and_times)
{
	fill();
	wt_stats_submitted(0, WT_ROW_IO_SUBMIT, 4096);
	json_report();
	cr_expect_str_eq(jq(".rules[1] | [.engine, .writes, .bytes, .errors, .p50_us, .p99_us, "
			    ".max_us] | tojson"),
			 "[\"io_submit\",1,4096,null,null,null,null]");
}

Test(report, text_of_an_idle_process_is_one_line)
{
	add_rule("*.db", 4, WT_LEVEL_DSYNC);
	cr_assert_eq(wt_stats_init(1), 0);
	const char *text = text_report();

	cr_expect(strstr(text, "no file matched any rule\n"), "%s", text);
	cr_expect_eq(strchr(text, '\n'), text + strlen(text) - 1, "%s", text);
}

Test(report, text_tells_falls_and_what_was_not_covered)
{
	int fd = open("/dev/null", O_WRONLY);

	fill();
	for (int i = 0; i < 3; i++)
		wt_stats_event(WT_EVENT_FALL, fd, "direct", "dsync", "part of a block");
	wt_stats_event(WT_EVENT_NOT_COVERED, fd, NULL, NULL, "shared mapping");
	const char *text = text_report();

	cr_expect_str_eq(line_of(text, "/dev/null: direct"),
			 "/dev/null: direct to dsync, 3 times [4]");
	cr_expect_str_eq(line_of(text, "/dev/null, 1"), "/dev/null, 1 time [5]");
	cr_expect_str_eq(line_of(text, "[4]"), "[4] part of a block");
	cr_expect_str_eq(line_of(text, "[5]"), "[5] shared mapping");
	cr_expect_lt(strstr(text, "fell to"), strstr(text, "3 times"));
	cr_expect_lt(strstr(text, "NOT COVERED"), strstr(text, "1 time "));
}

static void add_events_with_remedies(void)
{
	int fd = open("/dev/null", O_WRONLY);

	fill();
	wt_stats_event(WT_EVENT_FALL, fd, "direct", "dsync", wt_reason_text(WT_WHY_SIZE_LIMIT));
	wt_stats_event(WT_EVENT_FALL, fd, "direct", "dsync", wt_reason_text(WT_WHY_RING_BUSY));
	wt_stats_event(WT_EVENT_NOT_COVERED, fd, NULL, NULL, wt_reason_text(WT_WHY_NO_DISK));
	wt_stats_event(WT_EVENT_NOT_COVERED, fd, NULL, NULL, wt_way_text(WT_WAY_MAPPED));
}

/* The line behind the one that tells of it, or "" where that has none of the kind. */
static const char *remedy_in(const char *text, const char *words)
{
	const char *next = strchr(strstr(text, words), '\n') + 1;
	const char *start = next + strspn(next, " ");

	return strncmp(start, "what to do: ", 12) ? "" : line_of(start, "what to do: ") + 12;
}

Test(report, text_says_below_each_reason_what_to_do)
{
	add_events_with_remedies();
	const char *text = text_report();

	cr_expect_str_eq(remedy_in(text, "RLIMIT_FSIZE"),
			 "raise the limit of a file's size (ulimit -f)");
	cr_expect_str_eq(remedy_in(text, "(a signal handler)"), "");
	cr_expect(strstr(remedy_in(text, "has no disk"), "a file system with a disk"));
	cr_expect(strstr(remedy_in(text, "a shared writable mapping"), "memory-mapped writes"));
}

/* How often it stands in the text. */
static size_t count_of(const char *text, const char *words)
{
	size_t count = 0;

	for (const char *at = text; (at = strstr(at, words)); at++)
		count++;
	return count;
}

Test(report, text_gives_each_reason_and_remedy_once)
{
	const char *words = wt_reason_text(WT_WHY_NO_RING);
	int null = open("/dev/null", O_WRONLY), zero = open("/dev/zero", O_WRONLY);

	fill();
	wt_stats_file(2, WT_ENGINE_DSYNC, words, 1, 1);
	wt_stats_event(WT_EVENT_FALL, null, "direct", "dsync", words);
	wt_stats_event(WT_EVENT_FALL, zero, "direct", "dsync", words);
	wt_stats_event(WT_EVENT_ERRORS_SHARED, zero, NULL, NULL, words);
	const char *text = text_report();

	cr_expect_eq(count_of(text, words), 1, "%s", text);
	cr_expect_eq(count_of(text, wt_reason_remedy(words)), 1, "%s", text);
	cr_expect_eq(count_of(text, "[4]"), 5, "%s", text);
}

Test(report, reasons_past_the_room_for_them_stand_in_words)
{
	static char reasons[WT_EVENTS][16];

	fill();
	for (int i = 0; i < WT_EVENTS; i++) {
		snprintf(reasons[i], sizeof(reasons[i]), "because of %d.", i);
		wt_stats_event(WT_EVENT_NOT_COVERED, STDIN_FILENO, NULL, NULL, reasons[i]);
	}
	const char *text = text_report();
	for (int i = 0; i < WT_EVENTS; i++)
		cr_expect_eq(count_of(text, reasons[i]), 1, "%s", reasons[i]);
}

Test(report, errors_that_others_may_be_told_are_no_fall)
{
	int fd = open("/dev/null", O_WRONLY);

	fill();
	wt_stats_event(WT_EVENT_ERRORS_SHARED, fd, NULL, NULL, "a reason");
	json_report();
	cr_expect_str_eq(jq(".falls + .not_covered | length"), "0");
	cr_expect_str_eq(jq(".errors_shared | tojson"),
			 "[{\"path\":\"/dev/null\",\"reason\":\"a reason\",\"remedy\":null,"
			 "\"count\":1}]");
}

Test(report, text_has_errors_that_others_may_be_told_under_their_own_heading)
{
	int fd = open("/dev/null", O_WRONLY);

	fill();
	wt_stats_event(WT_EVENT_ERRORS_SHARED, fd, NULL, NULL, "a reason");
	const char *text = text_report();

	cr_expect_not(strstr(text, "never to a weaker promise"));
	cr_expect_lt(strstr(text, "an error may be told to another"), strstr(text, "/dev/null, 1"));
}

static void fill_unruled(int files)
{
	char path[64];

	cr_assert_eq(wt_unruled_init(), 0);
	for (int i = 1; i <= files; i++) {
		snprintf(path, sizeof(path), "/srv/%d.dat", i);
		wt_unruled_wrote(wt_unruled_find(path), i * 100);
	}
	struct wt_unruled grown = wt_unruled_find("/srv/\"stream\"\n");
	wt_unruled_opened(grown, 10);
	wt_unruled_resized(grown, 520, 0);
}

Test(report, json_has_files_under_no_rule_by_bytes)
{
	fill();
	fill_unruled(12);
	json_report();
	cr_expect_str_eq(jq(".unruled | length"), "11");
	cr_expect_str_eq(jq(".unruled[0] | tojson"),
			 "{\"path\":\"/srv/12.dat\",\"writes\":1,\"bytes\":1200,\"files\":1}");
	cr_expect_str_eq(jq(".unruled[7] | tojson"),
			 "{\"path\":\"/srv/\\\"stream\\\"\\n\",\"writes\":null,\"bytes\":510,"
			 "\"files\":1}");
	cr_expect_str_eq(jq(".unruled[10] | tojson"),
			 "{\"path\":null,\"writes\":3,\"bytes\":600,\"files\":3}");
}

Test(report, text_has_files_under_no_rule_by_bytes)
{
	fill();
	fill_unruled(12);
	const char *text = text_report();

	cr_expect_str_eq(line_of(text, "1.1 KiB 1"), "1.1 KiB 1 /srv/12.dat");
	cr_expect_str_eq(line_of(text, "510 B -"), "510 B - /srv/\"stream\"\\x0a");
	cr_expect_str_eq(line_of(text, "600 B 3"), "600 B 3 3 other files");
	cr_expect_lt(strstr(text, "12.dat"), strstr(text, "11.dat"));
}

Test(report, text_names_files_under_no_rule_where_nothing_else_was_written)
{
	add_rule("*.db", 4, WT_LEVEL_DSYNC);
	cr_assert_eq(wt_stats_init(1), 0);
	fill_unruled(1);
	const char *text = text_report();

	cr_expect(strstr(text, "no file matched any rule\n  under no rule"), "%s", text);
	line_of(text, "100 B 1 /srv/1.dat");
}

Test(report, json_says_when_it_was)
{
	uint64_t before = time(NULL), after;

	add_rule("*.db", 4, WT_LEVEL_DSYNC);
	cr_assert_eq(wt_stats_init(1), 0);
	wt_stats_keep_time();
	usleep(20000);
	json_report();
	after = time(NULL);
	const char *seconds = "[.start, .end] | map(sub(\"[.][0-9]+Z$\"; \"Z\") | fromdate) | .[]";
	char *end, *times = strdup(jq(seconds));
	cr_expect_geq(strtoull(times, &end, 10), before, "%s", times);
	cr_expect_leq(strtoull(end, NULL, 10), after, "%s", times);
	cr_expect_str_eq(jq(".start < .end"), "true");
}

Test(report, json_without_a_clock_has_null_for_times)
{
	fill();
	json_report();
	cr_expect_str_eq(jq("[.start, .end] | tojson"), "[null,null]");
}

Test(report, text_breaks_the_line_of_rules_that_no_file_matched)
{
	static char pattern[] = "*/a/directory/of/its/own/*.db";
	size_t lines = 0;

	add_rule("*.db", 4, WT_LEVEL_DSYNC);
	while (policy.rules_len < policy.rules_max)
		add_rule(pattern, sizeof(pattern) - 1, WT_LEVEL_DSYNC);
	cr_assert_eq(wt_stats_init(policy.rules_len), 0);
	wt_stats_write(0, WT_ENGINE_DSYNC, 1, 1);
	const char *text = text_report();
	for (const char *at = text; *at; at = strchr(at, '\n') + 1, lines++)
		cr_expect_leq(strchr(at, '\n') - at, 110, "%s", at);
	cr_expect_eq(count_of(text, pattern), policy.rules_len - 1);
	cr_expect_gt(lines, 5);
}

Test(report, text_has_long_patterns_short)
{
	static const char pattern[] = "[0-9A-F][0-9A-F][0-9A-F][0-9A-F][0-9A-F][0-9A-F].history";

	add_rule(pattern, sizeof(pattern) - 1, WT_LEVEL_DSYNC);
	cr_assert_eq(wt_stats_init(1), 0);
	wt_stats_write(0, WT_ENGINE_DSYNC, 1, 1);
	line_of(text_report(), "[0-9A-F]\303\2276.history dsync dsync 0 1 1 B 0");
}

Test(report, json_says_what_to_do_or_null)
{
	add_events_with_remedies();
	json_report();
	cr_expect_str_eq(jq(".falls | map(.remedy) | tojson"),
			 "[\"raise the limit of a file's size (ulimit -f)\",null]");
	cr_expect_str_eq(jq(".not_covered | map(.remedy | type) | tojson"),
			 "[\"string\",\"string\"]");
}

Test(report, text_without_events_has_no_headings_for_them)
{
	fill();
	const char *text = text_report();

	cr_expect_not(strstr(text, "fell"));
	cr_expect_not(strstr(text, "NOT COVERED"));
}

Test(report, json_has_the_keys_of_the_manual)
{
	int fd = open("/dev/null", O_WRONLY);

	fill();
	wt_stats_event(WT_EVENT_FALL, fd, "direct", "dsync", "part of a block");
	wt_stats_event(WT_EVENT_NOT_COVERED, fd, NULL, NULL, "shared mapping");
	json_report();
	cr_expect_str_eq(jq("keys_unsorted | join(\" \")"),
			 "version pid exe start end seconds rules falls errors_shared "
			 "not_covered unruled");
	cr_expect_str_eq(jq("[.rules[] | keys_unsorted | join(\" \")] | unique | .[]"),
			 "pattern level engine reason files writes bytes errors fsyncs_elided "
			 "p50_us p99_us max_us");
	cr_expect_str_eq(jq(".falls[] | keys_unsorted | join(\" \")"),
			 "path from to reason remedy count");
	cr_expect_str_eq(jq(".not_covered[] | keys_unsorted | join(\" \")"),
			 "path way remedy count");
}

Test(report, json_has_the_figures)
{
	char exe[PATH_MAX], expected[2 * PATH_MAX];

	fill();
	json_report();
	exe[readlink("/proc/self/exe", exe, sizeof(exe) - 1)] = '\0';
	snprintf(expected, sizeof(expected), "[\"%s\",%d,\"%s\",true]", WT_VERSION, getpid(), exe);
	cr_expect_str_eq(jq("[.version, .pid, .exe, .seconds < 60]"), expected);
	cr_expect_str_eq(jq(".rules | map([.pattern, .engine, .reason]) | tojson"),
			 "[[\"*-wal\",\"dsync\",\"asked for\"],[\"*.db\",\"writeback\",\"ext4\"],"
			 "[\"*.db\",\"dsync\",\"overlayfs\"],[\"*.never\",null,null],"
			 "[\"*-shm\",null,null]]");
	cr_expect_str_eq(jq(".rules[0] | [.level, .files, .writes, .bytes, .errors] | tojson"),
			 "[\"dsync\",1,101,409600,1]");
	cr_expect_str_eq(jq(".rules[0] | [.p50_us, .p99_us, .max_us] | tojson"),
			 "[53.2,53.2,2500]");
	cr_expect_str_eq(jq(".rules[3] | [.files, .writes, .bytes, .errors, .max_us] | add"), "0");
}

Test(report, json_is_one_line)
{
	fill();
	json_report();
	const char *json = scratch_contents(scratch_path("report.json"));

	cr_expect_eq(strchr(json, '\n'), json + strlen(json) - 1);
}

static char random_path[WT_EVENT_PATH];

static ssize_t random_readlink(const char *path, char *buf, size_t size)
{
	size_t len = 1 + lrand48() % (WT_EVENT_PATH - 2);

	(void)path;
	for (size_t i = 0; i < len && i < size; i++)
		random_path[i] = buf[i] = 1 + lrand48() % 255;
	return len;
}

Test(report, any_bytes_in_names_leave_json_whole)
{
	static const char reasons[WT_EVENTS][2];
	char pattern[256];

	srand48(20240902);
	for (size_t i = 0; i < sizeof(pattern); i++)
		pattern[i] = 1 + lrand48() % 255;
	add_rule(pattern, sizeof(pattern), WT_LEVEL_DSYNC);
	cr_assert_eq(wt_stats_init(1), 0);
	wt_sys.readlink = random_readlink;
	for (int i = 0; i < WT_EVENTS; i++)
		wt_stats_event(i % 2, STDIN_FILENO, "a", "b", reasons[i]);
	json_report();
	cr_expect_str_eq(jq(".falls + .not_covered | length"), "128");
	cr_expect_str_eq(
		jq("[.falls + .not_covered | .[].path | strings | select(. != \"\")] | length"),
		"128");
}

static const char *awkward = "/tmp/\"quoted\" \\ new\nline \xc3\xa9 \xe2\x82\xac";

static ssize_t awkward_readlink(const char *path, char *buf, size_t size)
{
	(void)path;
	memcpy(buf, awkward, strnlen(awkward, size));
	return strlen(awkward);
}

Test(report, valid_name_comes_back_from_json_as_it_was)
{
	fill();
	wt_sys.readlink = awkward_readlink;
	wt_stats_event(WT_EVENT_FALL, STDIN_FILENO, "direct", "dsync", "why");
	json_report();
	cr_expect_str_eq(jq(".falls[0].path"), awkward);
}

static ssize_t worst_readlink(const char *path, char *buf, size_t size)
{
	(void)path;
	memset(buf, 1, size);
	return WT_EVENT_PATH - 1;
}

static void fill_all_tables(void)
{
	static const char reasons[WT_EVENTS + 7][2];
	static char pattern[4095];

	memset(pattern, 1, sizeof(pattern));
	while (policy.rules_len < policy.rules_max)
		add_rule(pattern, sizeof(pattern), WT_LEVEL_DSYNC);
	cr_assert_eq(wt_stats_init(policy.rules_len), 0);
	for (size_t rule = 0; rule < policy.rules_len; rule++)
		wt_stats_write(rule, WT_ENGINE_DSYNC, 1, 1);
	wt_sys.readlink = worst_readlink;
	for (int i = 0; i < WT_EVENTS + 7; i++)
		wt_stats_event(WT_EVENT_FALL, STDIN_FILENO, "direct", "dsync", reasons[i]);
}

Test(report, full_tables_of_the_worst_names_fit_into_json)
{
	fill_all_tables();
	json_report();
	cr_expect_str_eq(jq(".rules | length"), "8");
	cr_expect_str_eq(jq(".falls | length"), "129");
	cr_expect_str_eq(jq(".falls[128] | [.path, .count] | tojson"), "[null,7]");
	cr_expect_str_eq(jq(".falls[0].path | length"), "255");
}

Test(report, full_tables_of_the_worst_names_fit_into_text)
{
	fill_all_tables();
	const char *text = text_report();

	cr_expect_str_eq(line_of(text, "more than"), "more than the report can hold, 7 times");
	cr_expect_gt(strlen(text), WT_EVENTS * 4 * (WT_EVENT_PATH - 1));
}

Test(report, second_call_writes_nothing)
{
	struct stat first, second;

	fill();
	wt_report_write(scratch_path("report"), &policy);
	cr_assert_eq(stat(scratch_path("report"), &first), 0);
	wt_report_write(scratch_path("report"), &policy);
	stat(scratch_path("report"), &second);
	cr_expect_eq(first.st_size, second.st_size);
	cr_expect_eq(first.st_mode & 07777, 0600);
}

Test(report, each_process_adds_to_a_shared_file)
{
	enum { CHILDREN = 8 };

	fill();
	for (int i = 0; i < CHILDREN; i++) {
		if (!fork()) {
			wt_process_forked();
			wt_stats_write(1, WT_ENGINE_WRITEBACK, 1, 1);
			wt_report_write(scratch_path("report.json"), &policy);
			_exit(0);
		}
	}
	while (wait(NULL) > 0)
		;
	json_report();
	cr_expect_str_eq(jq_of_all("length"), "9");
	cr_expect_str_eq(jq_of_all("map(.rules[0].writes) | sort"), "[0,0,0,0,0,0,0,0,101]");
	cr_expect_str_eq(jq_of_all("map(.pid) | unique | length"), "9");
}

Test(report, forked_child_without_counts_stays_silent)
{
	fill();
	if (!fork()) {
		wt_process_forked();
		wt_report_write(scratch_path("report"), &policy);
		_exit(0);
	}
	wait(NULL);
	cr_expect_eq(access(scratch_path("report"), F_OK), -1);
}

Test(report, path_holds_process_and_program)
{
	char name[64];

	program_invocation_short_name = "prog";
	wt_log_init(WT_LOG_WARN, NULL);
	fill();
	wt_report_write(scratch_path("%e-%p.txt"), &policy);
	snprintf(name, sizeof(name), "prog-%d.txt", getpid());
	cr_expect(strstr(scratch_contents(scratch_path(name)), "*-wal"));
}
