/* SPDX-License-Identifier: MIT */
/*
 * config - the settings from the environment, read once before the program runs.
 *
 * They are copied, because programs overwrite their environment to set their title. They never
 * change afterwards, so they are read without a lock. In a program that runs with privileges that
 * it did not inherit (AT_SECURE, getauxval(3)) nothing is read and libwt does nothing.
 */
#ifndef WT_CONFIG_H
#define WT_CONFIG_H

#include <stdbool.h>

#include "base/policy.h"

/* The exit status if the policy does not parse and WT_STRICT is set: EX_CONFIG of sysexits(3). */
#define WT_EXIT_CONFIG 78

struct wt_config {
	bool active; /* there are rules, and WT_DISABLE is not set */
	/* A rule has fsync=elide, so every way to write a file has to be noticed. */
	bool elides;
	bool names;  /* a rule is at `dsync` or `sync`: names matter (namespace.h) */
	bool sizes;  /* a rule is at `through` or above: sizes matter */
	bool covers; /* a rule has a level other than `off` */
	bool strict;
	const char *report;	 /* the value of WT_REPORT, or NULL */
	struct wt_policy policy; /* called_len is 0 under WT_DISABLE and AT_SECURE */
};

extern struct wt_config wt_config;

/*
 * Reads every WT_ variable of `environment`. Each mistake is logged in one line. A policy with a
 * mistake is dropped as a whole, so that no rule applies. 0, or -EINVAL if the program must not
 * run: the policy has a mistake and WT_STRICT is set.
 */
int wt_config_load(char **environment);

#endif
