/* SPDX-License-Identifier: MIT */
/* The words for reasons and ways: each is another, and none is without a remedy by oversight. */
#include <criterion/criterion.h>
#include <string.h>

#include "base/base.h"
#include "base/reason.h"

static const struct {
	const char *name;
	const char *text;
	const char *remedy;
} rows[] = {
#define X(name, text, remedy) { #name, text, remedy },
	WT_REASONS(X) WT_WAYS(X)
#undef X
};

Test(reason, each_has_words_of_its_own)
{
	for (size_t i = 0; i < WT_LENGTH(rows); i++) {
		for (size_t j = 0; j < i; j++)
			cr_expect(!*rows[i].text || strcmp(rows[i].text, rows[j].text), "%s and %s",
				  rows[i].name, rows[j].name);
	}
}

Test(reason, remedy_is_found_by_the_words)
{
	for (size_t i = 0; i < WT_LENGTH(rows); i++) {
		if (*rows[i].text)
			cr_expect_str_eq(wt_reason_remedy(rows[i].text), rows[i].remedy, "%s",
					 rows[i].name);
	}
	cr_expect_str_eq(wt_reason_remedy("of nobody"), "");
	cr_expect_str_eq(wt_reason_remedy(""), "");
	cr_expect_str_eq(wt_reason_text(WT_WHY_NO_DISK), "the file system has no disk");
	cr_expect_str_eq(wt_way_text(WT_WAY_MAPPED), "a shared writable mapping");
}

/* What is as it should be, what the falls tell of, and what passes by itself. */
Test(reason, nothing_to_do_is_so_on_purpose)
{
	static const char *const fine[] = { "WT_WHY_NONE",  "WT_WHY_ASKED",    "WT_WHY_WRITEBACK",
					    "WT_WHY_FLUSH", "WT_WHY_DECLINED", "WT_WHY_RING_BUSY" };

	for (size_t i = 0; i < WT_LENGTH(rows); i++) {
		bool is_fine = !*rows[i].text;

		for (size_t j = 0; j < WT_LENGTH(fine); j++)
			is_fine |= !strcmp(rows[i].name, fine[j]);
		cr_expect_eq(!*rows[i].remedy, is_fine, "%s", rows[i].name);
	}
}

/* They go into JSON and onto a terminal as they are. */
Test(reason, words_are_short_and_plain)
{
	for (size_t i = 0; i < WT_LENGTH(rows); i++) {
		cr_expect_leq(strlen(rows[i].text), 80, "%s", rows[i].name);
		cr_expect_leq(strlen(rows[i].remedy), 120, "%s", rows[i].name);
		for (const char *at = rows[i].remedy; *at; at++)
			cr_expect(*at >= ' ' && *at < 127, "%s", rows[i].name);
	}
}
