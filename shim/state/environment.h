/* SPDX-License-Identifier: MIT */
/*
 * environment - what an executed program is given of libwt's variables.
 *
 * Whoever passes its own environment on passes libwt on. Whoever builds another for its child
 * seldom means to leave libwt out of it, so it is given libwt's entry of LD_PRELOAD and every
 * WT_ variable, as the program's own environment has them. It does mean to
 *   - where its own environment does not name libwt any more,
 *   - where the new one names LD_PRELOAD or a WT_ variable as it wants them,
 *   - where the new one is its own with nothing but these left out, as by a shell that unset them.
 *
 * Async-signal-safe, and changes nothing: a vfork child executes too. The given environment is read
 * as far as it is there; where it is not, the kernel is to answer.
 */
#ifndef WT_ENVIRONMENT_H
#define WT_ENVIRONMENT_H

#include <stdbool.h>
#include <stddef.h>

/* What an environment has not, so that the program that is given it is not covered. One with
 * WT_DISABLE=1 lacks nothing: that is the switch to use where it is meant. */
enum wt_lack { WT_LACKS_NOTHING, WT_LACKS_LIBRARY, WT_LACKS_RULES };

struct wt_environment {
	char *const *given; /* NULL, which Linux takes for an empty one, too */
	size_t given_len;
	const char *library; /* as LD_PRELOAD names it; not terminated. NULL where it does not */
	size_t library_len;
	size_t variables_len; /* how many WT_ variables there are */
	enum wt_lack lacks;
	bool is_not_there; /* the given one cannot be read: nothing will be executed with it */
	bool leaves_out;
};

/* At the start: how libwt came here. If not by LD_PRELOAD, only its variables are passed on. */
void wt_environment_init(void);

/*
 * How many bytes the environment with libwt's variables takes; 0 where it is to stay as given.
 * `lacks` says what is missing in the one that the program gets.
 */
size_t wt_environment_bytes(struct wt_environment *environment, char *const given[]);

/*
 * The opposite, for a program that the library would kill: how many bytes the given one takes
 * without libwt in its LD_PRELOAD, which keeps all else; 0 where it does not name libwt. After
 * wt_environment_bytes has been asked for the same one and said 0.
 */
size_t wt_environment_bytes_without(struct wt_environment *environment, char *const given[]);

/* The path of the library as the loader found it, or "". */
const char *wt_environment_library(void);

/* Makes either in so many bytes, aligned as a pointer. It refers to the given one and to `environ`.
 */
char *const *wt_environment_make(const struct wt_environment *environment, void *room);

#endif
