/* SPDX-License-Identifier: MIT */
/*
 * Which rule a file gets, seen from its dirty pages: the first that matches, none if
 * none does, none at all with WT_DISABLE; and what WT_STRICT refuses.
 */
#define _GNU_SOURCE
#include "../lib/bed.h"
#include "../lib/probe.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define LEN (1 << 20)

static void write_as(struct bed_run *run, const struct bed *bed, const char *rules, const char *way,
		     const char *name, const char *variable)
{
	char file[512];
	static char way_argument[64];

	snprintf(file, sizeof(file), "file=%s", bed_path(bed, name));
	snprintf(way_argument, sizeof(way_argument), "way=%s", way);
	bed_run(run, &(struct bed_program){
			     .rules = rules,
			     .env = { "WT_LOG=error", variable },
			     .argv = { "coverage", file, way_argument, "symbol=pwrite" },
		     });
}

/* The name is written through under these rules, or left dirty. */
static void expect_way_covered(const char *way, const char *rules, const char *name,
			       const char *variable, bool covered)
{
	const struct bed *bed = bed_need("EXT4");
	struct bed_run run;

	bed_prepare(bed_path(bed, name), LEN, BED_ALLOCATED);
	write_as(&run, bed, rules, way, name, variable);
	cr_expect_eq(bed_fact(&run, "ret"), LEN, "%s, %s: %s", way, rules, run.out);
	cr_expect_eq(bed_fact(&run, "dirty"), covered ? 0 : LEN / (int64_t)PROBE_BLOCK,
		     "%s, %s: %s", way, rules, run.out);
}

static void expect_covered(const char *rules, const char *name, const char *variable, bool covered)
{
	expect_way_covered("open", rules, name, variable, covered);
}

Test(policy, first_match_decides)
{
	expect_covered("*.db=through;*=off", "x.db", NULL, true);
	expect_covered("*=off;*.db=through", "x.db", NULL, false);
}

Test(policy, no_match_no_change)
{
	expect_covered("*.db=through", "x.log", NULL, false);
	expect_covered("", "x.log", NULL, false);
}

Test(policy, slash_matches_the_whole_path)
{
	const struct bed *bed = bed_need("EXT4");
	char rules[512];

	snprintf(rules, sizeof(rules), "%s/*=through", bed->dir);
	expect_covered(rules, "x.log", NULL, true);
	expect_covered("/no/such/*=through", "x.log", NULL, false);
	expect_covered("*/ext4/*/x.log=through", "x.log", NULL, true);
}

/* What is open already comes under the rule too, and out of none. */
Test(policy, a_name_given_later_counts_where_it_asks_for_more)
{
	expect_way_covered("renamed", "*.db=dsync", "x.db", NULL, true);
	expect_way_covered("renamed", "*.other=async;*.db=sync", "x.db", NULL, true);
	expect_way_covered("renamed", "*.other=dsync", "x.db", NULL, true);
	expect_way_covered("renamed", "*.log=dsync", "x.db", NULL, false);
}

Test(policy, disable_leaves_all_alone)
{
	expect_covered("*=through", "x.db", "WT_DISABLE=1", false);
	expect_covered("*=through", "x.db", "WT_DISABLE=0", true);
}

static char first_byte(const char *path)
{
	char byte = 0;
	int fd = open(path, O_RDONLY);

	if (pread(fd, &byte, 1, 0) != 1)
		byte = 0;
	close(fd);
	return byte;
}

/* A file on a file system without a disk under a rule that wants one. */
static const char *undisked(const struct bed *bed)
{
	const char *path = bed_path(bed, "x.db");
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	cr_assert_eq(write(fd, "kept", 4), 4, "%m");
	close(fd);
	return path;
}

Test(strict, tmpfs_is_refused_at_open)
{
	const struct bed *bed = bed_need("TMPFS");
	const char *path = undisked(bed);
	struct bed_run run;

	write_as(&run, bed, "*.db=through", "open", "x.db", "WT_STRICT=1");
	cr_expect_eq(bed_fact(&run, "fd"), -1, "opened: %s", run.out);
	cr_expect_eq(bed_fact(&run, "err"), ENOTSUP, "%s", run.out);
	cr_expect_eq(first_byte(path), 'k');
}

/* The refusal must come before the kernel truncates. */
static void expect_untruncated(const char *way)
{
	const struct bed *bed = bed_need("TMPFS");
	const char *path = undisked(bed);
	struct bed_run run;

	write_as(&run, bed, "*.db=through", way, "x.db", "WT_STRICT=1");
	cr_expect_eq(bed_fact(&run, "fd"), -1, "opened: %s", run.out);
	cr_expect_eq(bed_fact(&run, "err"), ENOTSUP, "%s", run.out);
	cr_expect_eq(first_byte(path), 'k', "its contents are gone");
}

Test(strict, file_refused_to_creat_is_not_truncated)
{
	expect_untruncated("creat");
}

Test(strict, file_refused_to_openat2_is_not_truncated)
{
	expect_untruncated("openat2");
}

/* An open that libwt cannot see is refused by the first write. */
Test(strict, unseen_open_is_refused_at_write)
{
	const struct bed *bed = bed_need("TMPFS");
	const char *path = undisked(bed);
	struct bed_run run;

	write_as(&run, bed, "*.db=through", "unseen", "x.db", "WT_STRICT=1");
	cr_expect_eq(bed_fact(&run, "ret"), -1, "%s", run.out);
	cr_expect_eq(bed_fact(&run, "err"), ENOTSUP, "%s", run.out);
	cr_expect_eq(first_byte(path), 'k', "it was written");
}

Test(strict, reading_is_not_refused)
{
	const struct bed *bed = bed_need("TMPFS");
	struct bed_run run;

	undisked(bed);
	bed_run(&run, &(struct bed_program){
			      .rules = "*.db=through",
			      .env = { "WT_STRICT=1", "WT_LOG=error" },
			      .argv = { "dirty", bed_path(bed, "x.db") },
		      });
	cr_expect_eq(run.status, 0, "ended with %d", run.status);
}

Test(strict, without_it_tmpfs_passes)
{
	const struct bed *bed = bed_need("TMPFS");
	struct bed_run run;

	undisked(bed);
	write_as(&run, bed, "*.db=through", "open", "x.db", NULL);
	cr_expect_eq(bed_fact(&run, "ret"), LEN, "%s", run.out);
}

Test(strict, changes_nothing_on_a_disk)
{
	expect_covered("*=through", "x.db", "WT_STRICT=1", true);
	if (bed_has("registered_ring"))
		expect_covered("*=dsync,engine=direct", "x.db", "WT_STRICT=1", true);
}

Test(strict, bad_policy_stops_the_program)
{
	const struct bed *bed = bed_next(NULL);
	struct bed_run run;

	write_as(&run, bed, "*=thorough", "open", "x.db", "WT_STRICT=1");
	cr_expect_eq(run.status, 78, "ended with %d", run.status);
	cr_expect_str_empty(run.out);
}
