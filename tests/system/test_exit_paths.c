/* SPDX-License-Identifier: MIT */
/*
 * However a program ends, each of its processes leaves one report with its own
 * writes, and what was logged is in the log.
 */
#define _GNU_SOURCE
#include "../lib/bed.h"

#include <criterion/criterion.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define BLOCK_LEN 65536

struct reports {
	size_t count;
	int64_t writes;
	int64_t bytes;
};

/* Adds up the reports in the directory, and removes them. */
static struct reports take_reports(const struct bed *bed)
{
	struct reports sum = { 0 };
	DIR *dir = opendir(bed->dir);
	struct dirent *entry;

	while ((entry = readdir(dir))) {
		const char *path = bed_path(bed, entry->d_name);
		char *json;

		if (strncmp(entry->d_name, "report.", strlen("report.")))
			continue;
		json = bed_slurp(path);
		cr_expect(json[0] == '{' && strstr(json, "}\n"), "no whole report: %s", json);
		sum.count++;
		sum.writes += bed_json_sum(json, "writes");
		sum.bytes += bed_json_sum(json, "bytes");
		free(json);
		unlink(path);
	}
	closedir(dir);
	return sum;
}

static void check_reports(const char *how, size_t processes, int64_t writes)
{
	const struct bed *bed = bed_next(NULL);
	struct reports sum;
	char report[512];
	struct bed_run run;

	snprintf(report, sizeof(report), "WT_REPORT=%s", bed_path(bed, "report.%p.json"));
	bed_run(&run, &(struct bed_program){
			      .rules = "data=through",
			      .env = { report },
			      .argv = { "exit_paths", how, bed_path(bed, "data") },
		      });
	cr_expect_eq(run.status, 0, "ended with %d", run.status);
	sum = take_reports(bed);
	cr_expect_eq(sum.count, processes, "%zu reports", sum.count);
	cr_expect_eq(sum.writes, writes, "%jd writes", (intmax_t)sum.writes);
	cr_expect_eq(sum.bytes, writes * BLOCK_LEN, "%jd bytes", (intmax_t)sum.bytes);
}

#define REPORT_TEST(how, processes, writes)                                                        \
	Test(report, from_##how)                                                                   \
	{                                                                                          \
		check_reports(#how, processes, writes);                                            \
	}

REPORT_TEST(return, 1, 1)
REPORT_TEST(exit, 1, 1)
REPORT_TEST(_exit, 1, 1)
REPORT_TEST(_Exit, 1, 1)
REPORT_TEST(quick_exit, 1, 1)
REPORT_TEST(pthread_exit, 1, 2)
REPORT_TEST(fork, 4, 4)
REPORT_TEST(fork__exit, 4, 4)
REPORT_TEST(daemon, 2, 2)

/* The child of a vfork has its parent's memory: it must not report the parent's writes as well. */
Test(report, not_twice_from_vfork)
{
	check_reports("vfork", 1, 1);
}

Test(report, on_stderr_from__exit)
{
	const struct bed *bed = bed_next(NULL);
	struct bed_run run;

	bed_run(&run, &(struct bed_program){
			      .rules = "data=through",
			      .env = { "WT_REPORT=stderr" },
			      .argv = { "exit_paths", "_exit", bed_path(bed, "data") },
			      .with_stderr = true,
		      });
	cr_expect_eq(run.status, 0);
	cr_expect(strstr(run.out, "through"), "no report: %s", run.out);
}

Test(report, none_unless_asked_for)
{
	const struct bed *bed = bed_next(NULL);
	struct bed_run run;

	bed_run(&run, &(struct bed_program){
			      .rules = "data=through",
			      .argv = { "exit_paths", "exit", bed_path(bed, "data") },
			      .with_stderr = true,
		      });
	cr_expect_eq(run.status, 0);
	cr_expect_str_empty(run.out, "it said: %s", run.out);
}

Test(log, is_written_from__exit)
{
	const struct bed *bed = bed_next(NULL);
	const char *path = bed_path(bed, "log");
	char log_file[512];
	struct bed_run run;
	char *log;

	snprintf(log_file, sizeof(log_file), "WT_LOG_FILE=%s", path);
	bed_run(&run, &(struct bed_program){
			      .rules = "data=through",
			      .env = { "WT_LOG=debug", log_file },
			      .argv = { "exit_paths", "_exit", bed_path(bed, "data") },
			      .with_stderr = true,
		      });
	log = bed_slurp(path);
	cr_expect_str_empty(run.out, "on stderr: %s", run.out);
	cr_assert(log && strstr(log, "data"), "not in the log: %s", log ? log : "no file");
	free(log);
}
