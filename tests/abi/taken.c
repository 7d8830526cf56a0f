/* SPDX-License-Identifier: MIT */
/*
 * taken - its status tells whether all variables of the library that it is linked with, which have
 * names of libc's functions, are what the library made them, and the same for both.
 */
#define STOLEN_DATA
#include "lib/stolen.h"

int strcmp(const char *one, const char *other);

static struct stolen_data *const by_address[] = {
#define WT_SAME(name, other) &name,
#include "os/symbols.def"
#undef WT_SAME
};

#define WT_SAME(name, other)                                                                       \
	if (name.index != STOLEN_##name || name.half * 2 != STOLEN_##name ||                       \
	    strcmp(name.text, #name) || by_address[STOLEN_##name]->index++ != STOLEN_##name)       \
		return 1;

int main(void)
{
	long sum = stolen_sum();

#include "os/symbols.def"
	return stolen_sum() != sum + STOLEN_LEN;
}
