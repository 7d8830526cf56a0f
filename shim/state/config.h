/* SPDX-License-Identifier: MIT */
/*
 * config - what the environment says, read once before the program runs.
 *
 * Copied into memory of its own, because programs write over their environment
 * (to set their title). Immutable afterwards, so it is read without a lock. A
 * program that runs with privileges it did not inherit (AT_SECURE, getauxval(3))
 * is left alone: nothing is read.
 */
#ifndef WT_CONFIG_H
#define WT_CONFIG_H

#include <stdbool.h>

#include "base/policy.h"

/* sysexits(3), EX_CONFIG: the policy does not parse and WT_STRICT is set. */
#define WT_EXIT_CONFIG 78

struct wt_config {
	bool active; /* there are rules, and they are to be applied */
	bool elides; /* a rule has fsync=elide: every way to write a file matters */
	bool names;  /* a rule is at `dsync` or `sync`: names matter (name.h) */
	bool sizes;  /* at `through` or above: sizes matter */
	bool covers; /* a rule has another level than `off` */
	bool strict;
	const char *report; /* WT_REPORT, or NULL */
	struct wt_policy policy;
};

extern struct wt_config wt_config;

/*
 * Reads every WT_ variable. What is wrong is logged, one line a fault. 0;
 * -EINVAL where the program must not run on (WT_STRICT and a faulty policy).
 * Without WT_STRICT a faulty policy is dropped whole: no rule, no change.
 */
int wt_config_load(char **environment);

#endif
