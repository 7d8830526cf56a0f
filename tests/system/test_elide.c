/* SPDX-License-Identifier: MIT */
/*
 * fsync=elide: an fdatasync that has nothing left to do is left out, and no other sync is. Judged
 * by the device, which counts its flushes, and by the report.
 */
#define _GNU_SOURCE
#include "../lib/bed.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define ELIDE "elide=dsync,fsync=elide"

/* The digits that syncer printed, one for each sync: 1 where the device flushed. */
static const char *flushes(const char *bed_name, const char *rule, const char *todo)
{
	static struct bed_run run;
	const struct bed *bed = bed_need(bed_name);
	const char *path = bed_path(bed, "elide");
	char file[512], stat[512], what[64], report[512];

	snprintf(file, sizeof(file), "file=%s", path);
	snprintf(stat, sizeof(stat), "stat=%s", bed->stat);
	snprintf(what, sizeof(what), "do=%s", todo);
	snprintf(report, sizeof(report), "WT_REPORT=%s", bed_path(bed, "elide.json"));
	bed_prepare(path, 1 << 20, BED_ALLOCATED);
	bed_run(&run, &(struct bed_program){
			      .rules = rule,
			      .env = { report, "WT_LOG=error" },
			      .argv = { "syncer", file, stat, what },
		      });
	cr_assert_eq(run.status, 0, "%s %s: %s", bed_name, todo, run.out);
	char *digits = strstr(run.out, "flushes=");
	cr_assert(digits, "%s", run.out);
	digits += strlen("flushes=");
	digits[strcspn(digits, "\n")] = '\0';
	return digits;
}

/* Without cachestat(2) all are carried out. */
static void need_cachestat(void)
{
	if (!bed_has("cachestat"))
		cr_skip_test("this machine: no cachestat(2)");
}

static void expect(const char *rule, const char *todo, const char *digits)
{
	need_cachestat();
	cr_expect_str_eq(flushes("EXT4", rule, todo), digits, "ext4, %s: %s", rule, todo);
	cr_expect_str_eq(flushes("XFS", rule, todo), digits, "XFS, %s: %s", rule, todo);
}

Test(elide, an_fdatasync_after_covered_writes_is_left_out)
{
	expect(ELIDE, "wdwdWdd", "1000");
	expect("elide=sync,fsync=elide", "wdwdWdd", "1000");
	expect(ELIDE, "wdpdwd", "100");
	expect(ELIDE, "wdcdwd", "100");
	expect(ELIDE, "wdadwd", "100");
}

Test(elide, without_the_option_none_is)
{
	cr_expect_str_eq(flushes("EXT4", "elide=dsync", "wdwd"), "11");
	cr_expect_str_eq(flushes("EXT4", NULL, "wdwd"), "11");
}

Test(elide, an_fsync_is_carried_out)
{
	cr_expect_str_eq(flushes("EXT4", ELIDE, "wdwsws"), "111");
}

Test(elide, an_allocation_makes_the_next_one_real)
{
	expect(ELIDE, "wdfdwd", "110");
}

Test(elide, a_truncation_makes_the_next_one_real)
{
	need_cachestat();
	cr_expect_str_eq(flushes("EXT4", ELIDE, "wdtdwd"), "110");
	cr_expect_str_eq(flushes("EXT4", ELIDE, "wdTdwd"), "110");
	cr_expect_str_eq(flushes("EXT4", ELIDE, "wdOdwd"), "110");
}

Test(elide, a_file_that_cannot_be_watched_is_always_synced)
{
	expect(ELIDE, "wdmdwd", "111");
	expect(ELIDE, "wdrwdwd", "111");
}

Test(elide, another_opening_of_the_file_is_known)
{
	expect(ELIDE, "wdowd", "10");
}

Test(elide, the_report_counts_what_was_left_out)
{
	const char *report = bed_path(bed_need("EXT4"), "elide.json");

	need_cachestat();
	unlink(report);
	flushes("EXT4", ELIDE, "wdwdwdwd");
	char *json = bed_slurp(report);

	cr_assert(json);
	cr_expect_eq(bed_json_sum(json, "fsyncs_elided"), 3, "%s", json);
	free(json);
}

Test(elide, without_cachestat_none_is_and_that_is_named)
{
	const char *report = bed_path(bed_need("EXT4"), "elide.json");

	if (bed_has("cachestat") && setenv("WT_TEST_SANDBOX", "linux-6.1", 1))
		cr_assert_fail("setenv");
	unlink(report);
	cr_expect_str_eq(flushes("EXT4", ELIDE, "wdwdwdwd"), "1111");
	char *json = bed_slurp(report);

	cr_assert(json);
	cr_expect_eq(bed_json_sum(json, "fsyncs_elided"), 0, "%s", json);
	cr_expect(strstr(json, "\"from\":\"fsync=elide\",\"to\":\"fsync=keep\""), "%s", json);
	free(json);
}
