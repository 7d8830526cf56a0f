/* SPDX-License-Identifier: MIT */
#ifndef WT_TESTS_MUST_H
#define WT_TESTS_MUST_H

#include <stdbool.h>
#include <stdio.h>
#include <unistd.h>

/* Ends the process with status 2, and what failed and why on stderr, where it is not done. */
static inline void must(bool done, const char *what)
{
	if (done)
		return;
	perror(what);
	_exit(2);
}

#endif
