/* SPDX-License-Identifier: MIT */
/* A library with a function of its own for each name that libwt exports. */
#include "stolen.h"

#define WT_SAME(name, other)                                                                       \
	__attribute__((visibility("default"))) struct stolen_answer name(                          \
		double a, float b, long c, struct stolen_pair pair, ...)                           \
	{                                                                                          \
		struct stolen_answer answer = { a + b + c + pair.first, STOLEN_##name, #name,      \
						a / 3 };                                           \
		__builtin_va_list more;                                                            \
                                                                                                   \
		answer.text[47] = pair.second;                                                     \
		__builtin_va_start(more, pair);                                                    \
		answer.sum *= __builtin_va_arg(more, double);                                      \
		__builtin_va_end(more);                                                            \
		return answer;                                                                     \
	}
#include "os/symbols.def"
