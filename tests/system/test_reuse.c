/* SPDX-License-Identifier: MIT */
/*
 * A descriptor number that goes from one file to another: the second file's writes
 * never reach the first, and follow the second file's rule wherever either end of
 * the change is a call that libwt can see.
 */
#define _GNU_SOURCE
#include "../lib/bed.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#define LEN (1 << 20)

static const struct {
	const char *text;
	bool covers_b;
} policies[] = {
	{ "a=through,engine=direct;b=off", false },
	{ "a=dsync,engine=direct;b=through,engine=direct", true },
	{ "a=off;b=dsync", true },
	{ "a=async;b=through", true },
};

static void check_reuse(const char *end, const char *begin)
{
	bool seen = strncmp(end, "raw", 3) || !strcmp(begin, "open");
	struct bed_run run;

	BED_EACH(bed) {
		if (!bed->has_disk || bed->upper)
			continue;
		for (size_t i = 0; i < sizeof(policies) / sizeof(policies[0]); i++) {
			const char *a = bed_path(bed, "a"), *b = bed_path(bed, "b");
			const char *policy = policies[i].text;

			bed_prepare(a, LEN, BED_ALLOCATED);
			bed_prepare(b, LEN, BED_ALLOCATED);
			bed_run(&run, &(struct bed_program){
					      .rules = policy,
					      .env = { "WT_LOG=error" },
					      .argv = { "reuse", end, begin, a, b },
				      });
			cr_expect_eq(run.status, 0, "%s, %s: %s", bed->name, policy, run.out);
			cr_expect_eq(bed_fact(&run, "a_intact"), 1,
				     "%s, %s: the first file is damaged", bed->name, policy);
			cr_expect_eq(bed_fact(&run, "b_written"), 1,
				     "%s, %s: the second file has other bytes", bed->name, policy);
			if (seen)
				cr_expect_eq(bed_fact(&run, "dirty"),
					     policies[i].covers_b ? 0 : bed_fact(&run, "pages"),
					     "%s, %s: %s", bed->name, policy, run.out);
		}
	}
}

#define REUSE_TEST(end, begin)                                                                     \
	Test(reuse, end##_##begin)                                                                 \
	{                                                                                          \
		check_reuse(#end, #begin);                                                         \
	}

REUSE_TEST(close, open)
REUSE_TEST(close, raw_open)
REUSE_TEST(close_range, open)
REUSE_TEST(close_range, raw_open)
REUSE_TEST(closefrom, open)
REUSE_TEST(closefrom, raw_open)
REUSE_TEST(fclose, open)
REUSE_TEST(fclose, raw_open)
REUSE_TEST(pclose, raw_dupfd)
REUSE_TEST(raw_close, open)
REUSE_TEST(raw_close, raw_open)
REUSE_TEST(raw_close_range, open)
REUSE_TEST(raw_close_range, raw_open)
REUSE_TEST(dup2, at_once)
REUSE_TEST(dup3, at_once)
REUSE_TEST(freopen, at_once)
REUSE_TEST(raw_dup2, at_once)
