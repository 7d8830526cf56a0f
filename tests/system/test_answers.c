/* SPDX-License-Identifier: MIT */
/*
 * A program gets the same answers with libwt as without: return values, errno,
 * offsets, sizes, signals and contents. tests/prog/answers makes the requests.
 */
#define _GNU_SOURCE
#include "../lib/bed.h"
#include "../lib/rules.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

static void run_group(struct bed_run *run, const struct bed *bed, const char *rule,
		      const char *group)
{
	bed_run(run, &(struct bed_program){
			     .rules = rule,
			     .env = { "WT_LOG=error" },
			     .argv = { "answers", group, bed_path(bed, "answers") },
		     });
}

static void check_group(const char *group)
{
	static struct bed_run with, without;
	char label[256];

	BED_EACH(bed) {
		run_group(&without, bed, NULL, group);
		cr_expect_eq(without.status, 0, "%s: ended with %d", bed->name, without.status);
		cr_expect(strstr(without.out, "contents: "), "%s: said too little", bed->name);
		RULE_EACH(rule) {
			run_group(&with, bed, rule->text, group);
			snprintf(label, sizeof(label), "%s, %s", bed->name, rule->text);
			cr_expect_eq(with.status, 0, "%s: ended with %d", label, with.status);
			bed_expect_same(label, with.out, without.out, NULL);
		}
	}
}

#define GROUP_TEST(name)                                                                           \
	Test(answers, name)                                                                        \
	{                                                                                          \
		check_group(#name);                                                                \
	}

GROUP_TEST(ebadf)
GROUP_TEST(efault)
GROUP_TEST(einval)
GROUP_TEST(espipe)
GROUP_TEST(efbig)
GROUP_TEST(lengths)
GROUP_TEST(offsets)
GROUP_TEST(flags)
GROUP_TEST(opens)
GROUP_TEST(duplicates)
GROUP_TEST(arguments)
GROUP_TEST(copies)
