/* SPDX-License-Identifier: MIT */
/* A library with a variable of its own for each name that libwt exports. */
#define STOLEN_DATA
#include "stolen.h"

#define WT_SAME(name, other)                                                                       \
	__attribute__((visibility("default"))) struct stolen_data name = { STOLEN_##name,          \
									   STOLEN_##name / 2.0,    \
									   #name };
#include "os/symbols.def"
#undef WT_SAME

/* The library's own view of them. */
__attribute__((visibility("default"))) long stolen_sum(void)
{
	long sum = 0;

#define WT_SAME(name, other) sum += name.index;
#include "os/symbols.def"
	return sum;
}
