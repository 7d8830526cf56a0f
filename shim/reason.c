/* SPDX-License-Identifier: MIT */
#include "reason.h"

const char *wt_reason_text(enum wt_reason reason)
{
	static const char *const texts[] = {
#define X(name, text) [name] = text,
		WT_REASONS(X)
#undef X
	};

	return texts[reason];
}
