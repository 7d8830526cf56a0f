/* SPDX-License-Identifier: MIT */
/*
 * Where the report goes, and where it does not: what is wrong with the place is told at the start,
 * and nothing of another user's is written.
 */
#define _GNU_SOURCE
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file_trust.h"
#include "report/log.h"
#include "report/report.h"
#include "report/stats.h"
#include "scratch.h"

static struct wt_rule rule = { .pattern = "*-wal", .pattern_len = 5, .level = WT_LEVEL_DSYNC };
static const struct wt_policy policy = { .rules = &rule, .rules_max = 1, .rules_len = 1 };

TestSuite(report_place, .init = scratch_make, .fini = scratch_remove);

static void fill(void)
{
	cr_assert_eq(wt_stats_init(policy.rules_len), 0);
	wt_stats_write(0, WT_ENGINE_DSYNC, 4096, 50000);
}

/* Sends stderr to a file for the rest of the test. */
static void catch_stderr(void)
{
	int fd = open(scratch_path("stderr"), O_WRONLY | O_CREAT | O_APPEND, 0600);

	dup2(fd, STDERR_FILENO);
	close(fd);
	wt_log_init(WT_LOG_WARN, NULL);
}

Test(report_place, stderr_is_one)
{
	catch_stderr();
	fill();
	cr_expect_eq(wt_report_check("stderr"), 0);
	wt_report_write("stderr", &policy);
	cr_expect(strstr(scratch_contents(scratch_path("stderr")), "*-wal"));
}

/* The fault is told at the start, in one line that names it, and not again at the end. */
static void expect_complaint(const char *path, int err, const char *why)
{
	char where[PATH_MAX];

	strcpy(where, path);
	catch_stderr();
	fill();
	cr_expect_eq(wt_report_check(where), err, "%d", wt_report_check(where));
	wt_report_write(where, &policy);
	const char *line = scratch_contents(scratch_path("stderr"));
	cr_expect(strstr(line, where) && strstr(line, why) && strstr(line, "expected"), "%s", line);
	cr_expect_eq(strchr(line, '\n'), line + strlen(line) - 1, "%s", line);
}

Test(report_place, missing_directory_is_told_at_the_start)
{
	expect_complaint(scratch_path("missing/report"), -ENOENT, "No such file or directory");
}

Test(report_place, file_in_the_place_of_a_directory_is_told_at_the_start)
{
	close(creat(scratch_path("file"), 0600));
	expect_complaint(scratch_path("file/report"), -ENOTDIR, "Not a directory");
}

Test(report_place, directory_in_the_place_of_the_file_is_told_at_the_start)
{
	expect_complaint(scratch_dir(), -EISDIR, "Is a directory");
}

Test(report_place, symbolic_link_is_told_at_the_start)
{
	cr_assert_eq(symlink("target", scratch_path("link")), 0);
	expect_complaint(scratch_path("link"), -ELOOP, "symbolic links");
	cr_expect_eq(access(scratch_path("target"), F_OK), -1);
}

static void expect_untouched(const char *path, const char *why)
{
	char place[PATH_MAX];

	strcpy(place, path);
	expect_complaint(place, -EPERM, why);
	cr_expect_str_eq(scratch_contents(place), "");
}

Test(report_place, file_of_another_user_is_told_at_the_start_and_not_written)
{
	if (geteuid())
		cr_skip_test("this machine: not root");
	close(creat(scratch_path("file"), 0666));
	cr_assert_eq(chown(scratch_path("file"), 12345, 12345), 0);
	expect_untouched(scratch_path("file"), "belongs to user 12345");
}

Test(report_place, file_with_a_second_name_is_told_at_the_start_and_not_written)
{
	char path[PATH_MAX];

	close(creat(strcpy(path, scratch_path("file")), 0600));
	cr_assert_eq(link(path, scratch_path("file.json")), 0);
	expect_untouched(scratch_path("file.json"), "2 names");
}

/* What was fine at the start may be another's by the end. */
Test(report_place, file_is_judged_again_at_the_end)
{
	if (geteuid())
		cr_skip_test("this machine: not root");
	catch_stderr();
	fill();
	cr_expect_eq(wt_report_check(scratch_path("report")), 0);
	close(creat(scratch_path("report"), 0666));
	cr_assert_eq(chown(scratch_path("report"), 12345, 12345), 0);
	wt_report_write(scratch_path("report"), &policy);
	cr_expect_str_eq(scratch_contents(scratch_path("report")), "");
	cr_expect(strstr(scratch_contents(scratch_path("stderr")), "belongs to user 12345"));
}

Test(report_place, check_is_not_noticed_by_the_reader_of_a_fifo, .timeout = 120)
{
	char byte;

	cr_assert_eq(mkfifo(scratch_path("fifo"), 0600), 0);
	int reader = open(scratch_path("fifo"), O_RDONLY | O_NONBLOCK);
	int writer = open(scratch_path("fifo"), O_WRONLY | O_NONBLOCK);
	cr_expect_eq(wt_report_check(scratch_path("fifo")), 0);
	cr_expect_eq(read(reader, &byte, 1), -1);
	close(writer);
	cr_expect_eq(read(reader, &byte, 1), 0);
	cr_expect_eq(wt_report_check(scratch_path("fifo")), 0);
	close(reader);
}

/* Readers of a program's output would take it for data. */
Test(report_place, word_for_standard_output_is_told_at_the_start_and_makes_no_file)
{
	static const char *const words[] = { "-",	    "stdout",	 "STDOUT",
					     "/dev/stdout", "/dev/fd/1", "/proc/self/fd/1" };

	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++) {
		char name[WT_FILE_TRUST_FAULT_BYTES];
		struct wt_text fault = { .buf = name, .size = sizeof(name) };

		wt_file_trust_output_name(words[i], &fault);
		cr_expect(fault.len, "%s", words[i]);
	}
	cr_assert_eq(chdir(scratch_dir()), 0);
	expect_complaint("stdout", -EPERM, "standard output");
	cr_expect_eq(access("stdout", F_OK), -1);
}

Test(report_place, name_that_only_looks_like_one_is_a_path)
{
	static const char *const paths[] = { "./-", "./stdout", "stdout.txt", "stderr.json", "--" };

	for (size_t i = 0; i < sizeof(paths) / sizeof(*paths); i++) {
		struct wt_text fault = { 0 };

		wt_file_trust_output_name(paths[i], &fault);
		cr_expect(!fault.len && !fault.cut, "%s", paths[i]);
		cr_expect_not(wt_file_trust_is_stderr(paths[i]), "%s", paths[i]);
	}
}

Test(report_place, bad_percent_sign_is_told_at_the_start)
{
	expect_complaint("/tmp/%d.txt", -EINVAL, "%p, %e or %%");
}

Test(report_place, directory_without_permission_is_told_at_the_start)
{
	catch_stderr();
	chmod(scratch_dir(), 0555);
	cr_assert(geteuid() || !seteuid(65534));
	int err = wt_report_check(scratch_path("report"));
	seteuid(getuid());
	chmod(scratch_dir(), 0755);
	cr_expect_eq(err, -EACCES);
	cr_expect(strstr(scratch_contents(scratch_path("stderr")), "Permission denied"));
}

Test(report_place, writable_paths_are_not_complained_of)
{
	cr_expect_eq(wt_report_check(scratch_path("new-%p.json")), 0);
	close(creat(scratch_path("there"), 0600));
	cr_expect_eq(wt_report_check(scratch_path("there")), 0);
	cr_assert_eq(chdir(scratch_dir()), 0);
	cr_expect_eq(wt_report_check("relative"), 0);
	cr_expect_eq(wt_report_check("/relative-to-root") == 0, access("/", W_OK) == 0);
	cr_expect_eq(access(scratch_path("new"), F_OK), -1, "the check made a file");
}
