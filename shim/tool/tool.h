/* SPDX-License-Identifier: MIT */
/*
 * tool - the subcommands of wt-tool, which wt-preload.sh calls, and people by hand.
 *
 * An ordinary program with one thread: it may allocate and print. Each subcommand gets its own
 * arguments only and returns the exit status. An error is one line on stderr.
 */
#ifndef WT_TOOL_H
#define WT_TOOL_H

#include "base/policy.h"

/* Exit statuses: EX_CONFIG of sysexits(3), and those of a shell. */
enum {
	WT_EXIT_USAGE = 2,
	WT_EXIT_POLICY = 78,
	WT_EXIT_CANNOT_RUN = 126,
	WT_EXIT_NOT_FOUND = 127,
};

/* A database's files: which of them are log and data, and which libwt is to leave alone. */
struct wt_preset {
	const char *name;
	const char *note;
	const char *const *also;      /* other names that people use; NULL ends the list */
	const char *const *untouched; /* patterns; NULL ends the list */
	const char *const *written;
};

/* All presets; one without a name ends the list. */
extern const struct wt_preset wt_presets[];

/* Prints one line on stderr, behind "wt-preload: ". */
void wt_tool_complain(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Parses the rules of all sources, and prints them as one policy. */
int wt_tool_policy(int argc, char **argv);

/* Warns of rules that can match no file. `source` says where the rules come from. */
void wt_tool_hint_rules(const char *source, const struct wt_rule *rules, size_t len);

/* The name of the preset that was probably meant, or NULL. */
const char *wt_tool_hint_preset(const char *given, size_t len);

/* Says whether the library can be preloaded into a command: LIBRARY COMMAND [ARGUMENT...]. */
int wt_tool_program(int argc, char **argv);

/*
 * Why a command of this name, with these options, does not pass libwt on to the program that it
 * starts, and what to do instead. NULL for a command that is not known to do so.
 */
const char *wt_tool_wrapper(char *const argv[]);

/* Prints presets as a file of rules, or with --names their names and notes. */
int wt_tool_presets(int argc, char **argv);

#endif
