/* SPDX-License-Identifier: MIT */
/*
 * environment - which of libwt's variables an executed program is given.
 *
 * A program that passes its own environment on passes libwt on with it. A program that builds
 * another one for its child seldom means to leave libwt out, so it is given libwt's entry of
 * LD_PRELOAD and every WT_ variable, as the program's own environment has them. The omission is
 * taken as intended
 *   - if the program's own environment no longer names libwt,
 *   - if the new environment sets LD_PRELOAD or a WT_ variable itself,
 *   - if the new environment is the program's own without just these, as of a shell that unset
 *     them.
 *
 * All of it is async-signal-safe and changes nothing, since a vfork child executes too. The given
 * environment is read only as far as it can be; else the kernel's EFAULT is the answer. The caller
 * provides the memory; nothing is owned.
 */
#ifndef WT_ENVIRONMENT_H
#define WT_ENVIRONMENT_H

#include <stdbool.h>
#include <stddef.h>

/*
 * What an environment lacks, so that libwt does not cover the program that gets it. One with
 * WT_DISABLE=1 lacks nothing, since that turns libwt off on purpose.
 */
enum wt_lack { WT_LACKS_NOTHING, WT_LACKS_LIBRARY, WT_LACKS_RULES };

struct wt_environment {
	char *const *given; /* may be NULL, which Linux takes for an empty one */
	size_t given_len;
	/* libwt as LD_PRELOAD names it, not terminated; NULL if LD_PRELOAD does not name it. */
	const char *library;
	size_t library_len;
	size_t variables_len; /* how many WT_ variables are added */
	enum wt_lack lacks;
	/* The given environment cannot be read, so nothing will be executed with it. */
	bool is_not_there;
	/* libwt is to be taken out of the environment, not put into it. */
	bool leaves_out;
};

/*
 * Called once, at the start. Finds how libwt was loaded: if not by LD_PRELOAD, only its variables
 * are passed on.
 */
void wt_environment_init(void);

/*
 * How many bytes the environment takes with libwt's variables added; 0 if it is to stay as given.
 * Sets `lacks` to what is missing in the environment that the program gets.
 */
size_t wt_environment_bytes(struct wt_environment *environment, char *const given[]);

/*
 * For a program that would not start with libwt: how many bytes the given environment takes with
 * libwt taken out of its LD_PRELOAD; 0 if that does not name libwt. Only to be called after
 * wt_environment_bytes has returned 0 for the same environment.
 */
size_t wt_environment_bytes_without(struct wt_environment *environment, char *const given[]);

/* The path of the library as the loader found it, or "". */
const char *wt_environment_library(void);

/*
 * Builds the environment that one of these two has measured, in `room`, which has as many bytes and
 * is aligned for a pointer. The result refers to the strings of the given one and of `environ`.
 */
char *const *wt_environment_make(const struct wt_environment *environment, void *room);

#endif
