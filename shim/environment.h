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

#include <stddef.h>

struct wt_environment {
	char *const *given; /* NULL, which Linux takes for an empty one, too */
	size_t given_len;
	const char *library; /* as LD_PRELOAD names it; not terminated. NULL where it does not */
	size_t library_len;
	size_t variables_len; /* how many WT_ variables there are */
};

/* At the start: whether libwt is here by LD_PRELOAD. If not, only its variables are passed on. */
void wt_environment_init(void);

/* How many bytes the environment with libwt's variables takes; 0 where it is to stay as given. */
size_t wt_environment_bytes(struct wt_environment *environment, char *const given[]);

/* Makes it in so many bytes, aligned as a pointer. It refers to the given one and to `environ`. */
char *const *wt_environment_make(const struct wt_environment *environment, void *room);

#endif
