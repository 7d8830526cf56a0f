/* SPDX-License-Identifier: MIT */
/*
 * rules - every level with every engine that a rule may name for it, for tests
 * that must hold under all of them.
 */
#ifndef WT_TESTS_RULES_H
#define WT_TESTS_RULES_H

#include <stdbool.h>
#include <stddef.h>

struct rule {
	const char *text;
	enum { ASYNC, STABLE } when;
	enum { KEEP, DROP } cache;
	bool always; /* also where only the level counts, not the engine */
};

#define RULE_WINDOW_BYTES (256 * 1024)

static const struct rule rules[] = {
	{ "*=async,window=256K", ASYNC, KEEP, true },
	{ "*=async,window=256K,engine=writeback", ASYNC, KEEP, false },
	{ "*=through", STABLE, KEEP, true },
	{ "*=through,engine=writeback", STABLE, KEEP, false },
	{ "*=through,engine=dsync", STABLE, KEEP, false },
	{ "*=through,engine=direct", STABLE, KEEP, true },
	{ "*=dsync", STABLE, KEEP, true },
	{ "*=dsync,engine=dsync", STABLE, KEEP, false },
	{ "*=dsync,engine=direct", STABLE, KEEP, false },
	{ "*=sync", STABLE, KEEP, true },
	{ "*=sync,engine=dsync", STABLE, KEEP, false },
	{ "*=sync,engine=direct", STABLE, KEEP, false },
	{ "*=through,cache=drop", STABLE, DROP, false },
	{ "*=through,engine=writeback,cache=drop", STABLE, DROP, false },
	{ "*=through,engine=dsync,cache=drop", STABLE, DROP, false },
	{ "*=through,engine=direct,cache=drop", STABLE, DROP, false },
	{ "*=dsync,cache=drop", STABLE, DROP, false },
	{ "*=dsync,engine=direct,cache=drop", STABLE, DROP, true },
	{ "*=sync,cache=drop", STABLE, DROP, false },
	{ "*=sync,engine=direct,cache=drop", STABLE, DROP, false },
};

#define RULE_EACH(rule)                                                                            \
	for (const struct rule *rule = rules; rule < rules + sizeof(rules) / sizeof(rules[0]);     \
	     rule++)

#endif
