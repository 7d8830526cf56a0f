/* SPDX-License-Identifier: MIT */
/*
 * tool - the subcommands of wt-tool, which wt-preload.sh calls, and people by hand.
 *
 * An ordinary program: it may allocate and print. Each subcommand gets its
 * arguments alone and returns the exit status; what is wrong is one line on stderr.
 */
#ifndef WT_TOOL_H
#define WT_TOOL_H

#include "base/policy.h"

/* As a shell says it, and sysexits(3), EX_CONFIG. */
enum {
	WT_EXIT_USAGE = 2,
	WT_EXIT_POLICY = 78,
	WT_EXIT_CANNOT_RUN = 126,
	WT_EXIT_NOT_FOUND = 127,
};

/* Which files of a database are its log and data, and which are to be left alone. */
struct wt_preset {
	const char *name;
	const char *note;
	const char *const *also;      /* what people call it, NULL behind the last */
	const char *const *untouched; /* patterns, NULL behind the last */
	const char *const *written;
};

/* The presets, one without a name behind the last. */
extern const struct wt_preset wt_presets[];

/* One line on stderr, "wt-preload: " before it. */
void wt_tool_complain(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Parses and prints rules. */
int wt_tool_policy(int argc, char **argv);

/* Warns of rules that can match no file; `source` is where they come from. */
void wt_tool_hint_rules(const char *source, const struct wt_rule *rules, size_t len);

/* The preset that was probably meant, or NULL. */
const char *wt_tool_hint_preset(const char *given, size_t len);

/* Says whether the library can be preloaded into a program: LIBRARY COMMAND [ARGUMENT...]. */
int wt_tool_program(int argc, char **argv);

/*
 * Why a command of this name and with these options does not pass libwt on to what it starts, and
 * what would be right; NULL where that is not known of it.
 */
const char *wt_tool_wrapper(char *const argv[]);

/* Prints the presets as a file of rules, or with --names their names and what is to be known of
 * them. */
int wt_tool_presets(int argc, char **argv);

#endif
