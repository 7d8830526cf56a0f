/* SPDX-License-Identifier: MIT */
/*
 * The engine that a rule names is the one that writes, where the file system can; and
 * where it cannot, the report says what wrote instead. Judged by the JSON report.
 */
#define _GNU_SOURCE
#include "../lib/bed.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define LEN (1 << 20)

/* One overwrite of whole, allocated blocks; the report, which the caller frees. */
static char *report_of(const struct bed *bed, const char *rule)
{
	const char *path = bed_path(bed, "engine"), *report_path = bed_path(bed, "engine.json");
	char file[512], report[512];
	struct bed_run run;
	char *json;

	snprintf(file, sizeof(file), "file=%s", path);
	snprintf(report, sizeof(report), "WT_REPORT=%s", report_path);
	unlink(report_path);
	bed_prepare(path, 2 * LEN, BED_ALLOCATED);
	bed_run(&run, &(struct bed_program){
			      .rules = rule,
			      .env = { report, "WT_LOG=error" },
			      .argv = { "coverage", file, "symbol=pwrite" },
		      });
	cr_assert_eq(bed_fact(&run, "ret"), LEN, "%s, %s: %s", bed->name, rule, run.out);
	json = bed_slurp(report_path);
	cr_assert(json, "%s, %s: no report", bed->name, rule);
	return json;
}

/* Bytes that the report says this engine wrote. */
static int64_t bytes_by(const char *json, const char *engine)
{
	char key[64];
	const char *row, *bytes;

	snprintf(key, sizeof(key), "\"engine\":\"%s\"", engine);
	row = strstr(json, key);
	bytes = row ? strstr(row, "\"bytes\":") : NULL;
	return bytes ? strtoll(bytes + strlen("\"bytes\":"), NULL, 10) : 0;
}

static bool is_to_be_had(const char *engine)
{
	return strcmp(engine, "direct") || (bed_has("registered_ring") && bed_has("proc"));
}

static void expect_engine(const char *bed_name, const char *rule, const char *engine)
{
	char *json = report_of(bed_need(bed_name), rule), fall[64];

	snprintf(fall, sizeof(fall), "\"from\":\"%s\",\"to\":", engine);
	if (!is_to_be_had(engine))
		cr_expect(strstr(json, fall) && bed_json_sum(json, "bytes") == LEN,
			  "%s, %s: not kept, or not named: %s", bed_name, rule, json);
	else
		cr_expect_eq(bytes_by(json, engine), LEN, "%s, %s: not by %s: %s", bed_name, rule,
			     engine, json);
	free(json);
}

static void expect_each_named(const char *bed_name)
{
	expect_engine(bed_name, "engine=through,engine=writeback", "writeback");
	expect_engine(bed_name, "engine=through,engine=dsync", "dsync");
	expect_engine(bed_name, "engine=through,engine=direct", "direct");
	expect_engine(bed_name, "engine=async,engine=writeback", "writeback");
	expect_engine(bed_name, "engine=dsync,engine=dsync", "dsync");
	expect_engine(bed_name, "engine=dsync,engine=direct", "direct");
	expect_engine(bed_name, "engine=sync,engine=dsync", "dsync");
	expect_engine(bed_name, "engine=sync,engine=direct", "direct");
}

Test(engine, named_is_used_on_ext4)
{
	expect_each_named("EXT4");
}

Test(engine, named_is_used_on_xfs)
{
	expect_each_named("XFS");
}

/* sync_file_range is known to do its work there. */
Test(engine, auto_writes_back_where_that_means_something)
{
	expect_engine("EXT4", "engine=through", "writeback");
	expect_engine("XFS", "engine=through", "writeback");
	expect_engine("BTRFS", "engine=through", "writeback");
}

/* And not there: it answers 0 and writes nothing. */
Test(engine, auto_takes_dsync_on_overlay)
{
	expect_engine("OVERLAY", "engine=through", "dsync");
	expect_engine("OVERLAY", "engine=async", "dsync");
}

Test(engine, fall_is_named)
{
	char *json = report_of(bed_need("OVERLAY"), "engine=through,engine=writeback");
	const char *falls = strstr(json, "\"falls\":[{");

	cr_assert(falls, "no fall: %s", json);
	cr_expect(strstr(falls, "\"from\":\"writeback\",\"to\":\"dsync\""), "%s", json);
	cr_expect_eq(bed_json_sum(falls, "count"), 1, "%s", json);
	cr_expect_eq(bytes_by(json, "dsync"), LEN, "%s", json);
	free(json);
}

/* No disk below: it goes through as it came, and the report does not pass over it. */
Test(engine, tmpfs_is_passed_through_and_said)
{
	char *json = report_of(bed_need("TMPFS"), "engine=dsync");

	cr_expect_eq(bytes_by(json, "dsync"), 0, "%s", json);
	cr_expect_eq(bed_json_sum(json, "bytes"), LEN, "not counted: %s", json);
	cr_expect(strstr(json, "no disk"), "no reason: %s", json);
	free(json);
}
