/* SPDX-License-Identifier: MIT */
#include "base/reason.h"

#include <stddef.h>
#include <string.h>

#include "base/base.h"

const char *wt_reason_text(enum wt_reason reason)
{
	static const char *const texts[] = {
#define X(name, text, remedy) [name] = text,
		WT_REASONS(X)
#undef X
	};

	return texts[reason];
}

const char *wt_way_text(enum wt_way way)
{
	static const char *const texts[] = {
#define X(name, text, remedy) [name] = text,
		WT_WAYS(X)
#undef X
	};

	return texts[way];
}

const char *wt_reason_remedy(const char *words)
{
	static const struct {
		const char *words;
		const char *remedy;
	} remedies[] = {
#define X(name, text, remedy) { text, remedy },
		WT_REASONS(X) WT_WAYS(X)
#undef X
	};

	for (size_t i = 0; i < WT_LENGTH(remedies); i++) {
		if (!strcmp(words, remedies[i].words))
			return remedies[i].remedy;
	}
	return "";
}
