/* SPDX-License-Identifier: MIT */
/*
 * One offset shared by threads, by duplicated descriptors and by processes: every
 * writer's bytes are clean when its call returns, and no record is lost, doubled
 * or torn. tests/prog/shared.c writes and looks; run without libwt it must see
 * dirty pages, or it shows nothing.
 */
#define _GNU_SOURCE
#include "../lib/bed.h"
#include "../lib/rules.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

static void run_shared(struct bed_run *run, const struct bed *bed, const char *rule,
		       const char *who, const char *how)
{
	char lies[512];
	struct bed_program program = {
		.rules = rule,
		.env = { "WT_LOG=error" },
		.argv = { "shared", who, how, bed_path(bed, "shared") },
	};

	if (bed->upper) {
		snprintf(lies, sizeof(lies), "%s/shared", bed->upper);
		program.argv[4] = lies;
	}
	bed_run(run, &program);
}

static void judge_records(const struct bed_run *run, const char *label, const char *how)
{
	cr_expect_eq(run->status, 0, "%s: ended with %d", label, run->status);
	cr_expect_eq(bed_fact(run, "failed"), 0, "%s: %s", label, run->out);
	cr_expect_eq(bed_fact(run, "missing"), 0, "%s: %s", label, run->out);
	cr_expect_eq(bed_fact(run, "intact"), bed_fact(run, "records"), "%s: %s", label, run->out);
	cr_expect_eq(bed_fact(run, "size"), bed_fact(run, "expected"), "%s: %s", label, run->out);
	cr_expect_eq(bed_fact(run, "position"),
		     strcmp(how, "pwrite") ? bed_fact(run, "expected") : 0, "%s: %s", label,
		     run->out);
}

static void check_shared(const char *who, const char *how)
{
	struct bed_run run;
	char label[256];

	BED_EACH(bed) {
		run_shared(&run, bed, NULL, who, how);
		judge_records(&run, bed->name, how);
		if (bed->has_disk)
			cr_expect_gt(bed_fact(&run, "dirty_at_return"), 0,
				     "%s: clean without libwt, so this shows nothing", bed->name);
		RULE_EACH(rule) {
			if (!rule->always)
				continue;
			run_shared(&run, bed, rule->text, who, how);
			snprintf(label, sizeof(label), "%s, %s", bed->name, rule->text);
			judge_records(&run, label, how);
			if (!bed->has_disk || rule->when == ASYNC)
				continue;
			cr_expect_eq(bed_fact(&run, "dirty_at_return"), 0, "%s: %s", label,
				     run.out);
			cr_expect_eq(bed_fact(&run, "dirty_at_end"), 0, "%s: %s", label, run.out);
		}
	}
}

#define SHARED_TEST(who, how)                                                                      \
	Test(shared, who##_##how)                                                                  \
	{                                                                                          \
		check_shared(#who, #how);                                                          \
	}

SHARED_TEST(threads, write)
SHARED_TEST(threads, writev)
SHARED_TEST(threads, append)
SHARED_TEST(threads, pwrite)
SHARED_TEST(dups, write)
SHARED_TEST(dups, append)
SHARED_TEST(processes, write)
SHARED_TEST(processes, writev)
SHARED_TEST(processes, append)

/*
 * Threads over one another, in whole blocks and not: an engine that mixes direct and
 * cached writes must not let one thread's call fail because of another's.
 */
Test(shared, threads_overlap)
{
	struct bed_run run;

	BED_EACH(bed) {
		RULE_EACH(rule) {
			if (!rule->always)
				continue;
			run_shared(&run, bed, rule->text, "threads", "overlap");
			cr_expect_eq(run.status, 0, "%s, %s: ended with %d", bed->name, rule->text,
				     run.status);
			cr_expect_eq(bed_fact(&run, "failed"), 0, "%s, %s: %s", bed->name,
				     rule->text, run.out);
			if (bed->has_disk && rule->when == STABLE)
				cr_expect_eq(bed_fact(&run, "dirty_at_end"), 0, "%s, %s: %s",
					     bed->name, rule->text, run.out);
		}
	}
}
