/* SPDX-License-Identifier: MIT */
/*
 * What libwt adds to a process: at most a mebibyte of memory, whatever the limit of
 * open files, and no descriptor that the program could see, close or collide with.
 */
#define _GNU_SOURCE
#include "../lib/bed.h"
#include "../lib/rules.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/personality.h>
#include <sys/resource.h>

#define MOST_KIB 1024

static int64_t resident(const struct bed *bed, const char *rule, const char *number)
{
	struct bed_run run;

	bed_run(&run, &(struct bed_program){
			      .rules = rule,
			      .env = { "WT_LOG=error" },
			      .argv = { "footprint", "rss", bed_path(bed, "file"), number },
		      });
	cr_assert_eq(run.status, 0, "ended with %d", run.status);
	return bed_fact(&run, "rss");
}

/*
 * Where a library lies decides how many of its pages a page fault maps beside its own: with
 * addresses that differ from run to run the measure differs by 200 KiB, with and without libwt.
 */
static void check_memory(const char *number)
{
	if (personality(ADDR_NO_RANDOMIZE) < 0)
		cr_skip_test("this machine: ADDR_NO_RANDOMIZE: %m");
	BED_EACH(bed) {
		int64_t without = resident(bed, NULL, number);

		RULE_EACH(rule) {
			int64_t added = resident(bed, rule->text, number) - without;

			cr_expect_leq(added, MOST_KIB, "%s, %s: %jd KiB", bed->name, rule->text,
				      (intmax_t)added);
			cr_expect_gt(added, 0, "%s, %s: no library, so this shows nothing",
				     bed->name, rule->text);
		}
	}
}

Test(footprint, memory)
{
	check_memory(NULL);
}

/* Through the highest number that this process may use. */
Test(footprint, memory_at_the_descriptor_limit)
{
	struct rlimit limit;
	char highest[32];

	cr_assert(!getrlimit(RLIMIT_NOFILE, &limit));
	snprintf(highest, sizeof(highest), "%ju", (uintmax_t)limit.rlim_max - 1);
	check_memory(highest);
}

Test(footprint, memory_with_a_million_descriptors)
{
	struct rlimit million = { 1 << 20, 1 << 20 };

	if (setrlimit(RLIMIT_NOFILE, &million))
		cr_skip_test("this machine: RLIMIT_NOFILE of 2^20: %m");
	check_memory("1048575");
}

Test(footprint, no_descriptor_of_its_own)
{
	struct bed_run with, without;

	BED_EACH(bed) {
		struct bed_program program = {
			.env = { "WT_LOG=error" },
			.argv = { "footprint", "fds", bed_path(bed, "file") },
		};

		bed_run(&without, &program);
		RULE_EACH(rule) {
			if (!rule->always)
				continue;
			program.rules = rule->text;
			bed_run(&with, &program);
			cr_expect_eq(with.status, 0, "%s, %s", bed->name, rule->text);
			cr_expect_str_eq(with.out, without.out, "%s, %s: %s without libwt %s",
					 bed->name, rule->text, with.out, without.out);
		}
	}
}

/* With a log and a report under way as well, which are files of libwt's. */
Test(footprint, no_descriptor_for_log_and_report)
{
	const struct bed *bed = bed_next(NULL);
	char log_file[512], report[512];
	struct bed_run with, without;
	struct bed_program program = {
		.env = { "WT_LOG=debug", log_file, report },
		.argv = { "footprint", "fds", bed_path(bed, "file") },
	};

	snprintf(log_file, sizeof(log_file), "WT_LOG_FILE=%s", bed_path(bed, "log"));
	snprintf(report, sizeof(report), "WT_REPORT=%s", bed_path(bed, "report"));
	bed_run(&without, &program);
	program.rules = "file=through,engine=direct";
	bed_run(&with, &program);
	cr_expect_eq(with.status, 0);
	cr_expect_str_eq(with.out, without.out, "%s without libwt %s", with.out, without.out);
}
