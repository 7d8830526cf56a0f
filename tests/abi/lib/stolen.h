/* SPDX-License-Identifier: MIT */
/*
 * Every name that libwt exports, as a library of the program's may have it: a function of another
 * signature, and, compiled with STOLEN_DATA, a variable.
 *
 * No header of libc's may be included beside it.
 */
#ifndef WT_TESTS_STOLEN_H
#define WT_TESTS_STOLEN_H

struct stolen_pair {
	double first;
	char second;
};

/* Too large for registers: its caller passes a place for it. */
struct stolen_answer {
	double sum;
	long index;
	char text[48];
	long double wide;
};

struct stolen_data {
	long index;
	double half;
	const char *text;
};

enum stolen_index {
#define WT_SAME(name, other) STOLEN_##name,
#define WT_SYMBOL(ret, name, params) WT_SAME(name, )
#define WT_LIBC(ret, name, params, args) WT_SAME(name, )
#define WT_URING(ret, name, params) WT_SAME(name, )
#include "os/symbols.def"
#undef WT_SAME
	STOLEN_LEN
};

#ifdef STOLEN_DATA
long stolen_sum(void);
#define WT_SAME(name, other) extern struct stolen_data name;
#else
#define WT_SAME(name, other)                                                                       \
	struct stolen_answer name(double a, float b, long c, struct stolen_pair pair, ...);
#endif
#include "os/symbols.def"
#undef WT_SAME

#endif
