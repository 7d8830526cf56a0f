/* SPDX-License-Identifier: MIT */
/*
 * stolen NAME - calls the function of that name in the library that it is linked with, twice, and
 * once by its address; tells by its status whether each answer is that function's. It has no
 * function of libc's of such a name to print with.
 */
#include "lib/stolen.h"

int strcmp(const char *one, const char *other);

typedef struct stolen_answer function(double a, float b, long c, struct stolen_pair pair, ...);

static const struct {
	const char *name;
	function *by_address;
} functions[] = {
#define WT_SAME(name, other) { #name, name },
#include "os/symbols.def"
#undef WT_SAME
};

static struct stolen_answer call(int index)
{
	struct stolen_pair pair = { 8.5, 'p' };

	switch (index) {
#define WT_SAME(name, other)                                                                       \
	case STOLEN_##name:                                                                        \
		return name(1.25, 2.5f, 4, pair, 0.5);
#include "os/symbols.def"
#undef WT_SAME
	}
	return (struct stolen_answer){ .index = -1 };
}

static int is_right(struct stolen_answer answer, int index)
{
	return answer.index == index && answer.sum == 8.125 && answer.text[47] == 'p' &&
	       answer.wide == 1.25 / 3 && !strcmp(answer.text, functions[index].name);
}

int main(int argc, char **argv)
{
	struct stolen_pair pair = { 8.5, 'p' };

	for (int i = 0; argc == 2 && i < STOLEN_LEN; i++) {
		if (strcmp(functions[i].name, argv[1]))
			continue;
		function *volatile by_address = functions[i].by_address;

		return is_right(call(i), i) && is_right(call(i), i) &&
				       is_right(by_address(1.25, 2.5f, 4, pair, 0.5), i)
			       ? 0
			       : 1;
	}
	return 2;
}
