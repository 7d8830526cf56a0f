/* SPDX-License-Identifier: MIT */
/*
 * A library of the program's may have a function of its own, or a variable, by any name that libwt
 * exports: the program finds it as without libwt, under a rule or none. tests/abi/stolen.c calls
 * each, with arguments and an answer in every kind of register and in memory.
 */
#define _GNU_SOURCE
#include "../lib/bed.h"

#include <criterion/criterion.h>

static const char *const rules[] = { NULL, "nothing=dsync", "*=dsync" };

static void check(const char *program, const char *name)
{
	static struct bed_run run;

	for (size_t i = 0; i < sizeof(rules) / sizeof(*rules); i++) {
		bed_run(&run, &(struct bed_program){
				      .rules = rules[i],
				      .env = { "WT_LOG=error" },
				      .argv = { program, name },
			      });
		cr_expect_eq(run.status, 0, "%s %s, rules %s: ended with %d", program,
			     name ? name : "", rules[i] ? rules[i] : "and libwt away", run.status);
	}
}

#define WT_SAME(name, other)                                                                       \
	Test(stolen, name)                                                                         \
	{                                                                                          \
		check("stolen", #name);                                                            \
	}
#define WT_SYMBOL(ret, name, params) WT_SAME(name, )
#define WT_LIBC(ret, name, params, args) WT_SAME(name, )
#define WT_URING(ret, name, params) WT_SAME(name, )
#include "os/symbols.def"

Test(taken, variables)
{
	check("taken", NULL);
}

/* Where the program is not to be moved, the loader copies them into it. */
Test(taken, copied_variables)
{
	check("copied", NULL);
}
