/* SPDX-License-Identifier: MIT */
/* What a pattern looks like in a table. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "base/base.h"
#include "base/label.h"

#define HEX "[0-9A-F]"
#define HEX_8 HEX HEX HEX HEX HEX HEX HEX HEX
#define TEN "0123456789"
#define DOTS "\xe2\x80\xa6"

static const struct row {
	const char *pattern;
	const char *label;
} rows[] = {
	{ "", "" },
	{ "*.db", "*.db" },
	/* As long as may be, and what could be folded stays. */
	{ TEN TEN TEN "[ab][ab]ab", NULL },
	{ "????????????????????????????????????????", NULL },
	{ "?????????????????????????????????????????", "?\303\22741" },
	{ HEX_8 HEX_8 HEX_8, HEX "\303\22724" },
	{ HEX_8 HEX_8 HEX_8 ".partial", HEX "\303\22724.partial" },
	{ "*/" HEX_8 "*", "*/" HEX "\303\2278*" },
	/* Three in a row are no more to read than their number. */
	{ "/" TEN TEN "[0-9][0-9][0-9]abcdef.log", "/" TEN TEN "[0-" DOTS "[0-9]abcdef.log" },
	{ "/srv/" TEN TEN TEN TEN "/*.db", "/srv/" TEN "012345678" DOTS "012345678"
					   "9/*.db" },
	/* A bracket that ends nothing, and ones that are of a class. */
	{ "[" TEN TEN TEN TEN TEN, "[" TEN TEN "012" DOTS "56789" TEN },
	{ "[]a][]a][]a][]a][]a][]a][]a][]a][]a][]a][]a][]a]", "[]a]\303\22712" },
	{ "[!]][!]][!]][!]][!]][!]][!]][!]][!]][!]][!]][!]]", "[!]]\303\22712" },
	{ "\\*\\*\\*\\*\\*\\*\\*\\*\\*\\*\\*\\*\\*\\*\\*\\*\\*\\*\\*\\*\\*\\*", "\\*\303\22722" },
	/* Characters of several bytes are counted as one and never torn. */
	{ "/\303\251\303\251/" TEN TEN TEN "abcd/*", NULL },
	{ "/\303\251x\303\251x\303\251x\303\251x\303\251x\303\251x\303\251x\303\251x\303\251x\303"
	  "\251x"
	  "\303\251x\303\251x\303\251x\303\251x\303\251x\303\251x\303\251x\303\251x\303\251x\303"
	  "\251x",
	  "/\303\251x\303\251x\303\251x\303\251x\303\251x\303\251x\303\251x\303\251x\303\251x\303"
	  "\251x"
	  "\303\251x\303\251" DOTS
	  "x\303\251x\303\251x\303\251x\303\251x\303\251x\303\251x\303\251x" },
	/* What a terminal would obey is escaped. */
	{ "a\033[2Jb", "a\\x1b[2Jb" },
};

Test(label, is_the_pattern_or_what_there_is_room_for)
{
	for (size_t i = 0; i < WT_LENGTH(rows); i++) {
		char buf[256];
		struct wt_text text = { .buf = buf, .size = sizeof(buf) };
		const char *expected = rows[i].label ? rows[i].label : rows[i].pattern;

		wt_label_add(&text, rows[i].pattern, strlen(rows[i].pattern));
		cr_expect(text.len == strlen(expected) && !memcmp(buf, expected, text.len),
			  "row %zu: %.*s", i, (int)text.len, buf);
		cr_expect_eq(wt_label_width(rows[i].pattern, strlen(rows[i].pattern)),
			     wt_text_width(buf, text.len), "row %zu", i);
	}
}

/* Also of one that is longer than what is looked at closely. */
Test(label, of_any_length_is_short)
{
	static char pattern[100000];

	for (size_t len = 0; len < sizeof(pattern); len += 1 + len / 3) {
		memset(pattern, 'a', len);
		for (size_t i = 0; i < len; i += 7)
			pattern[i] = '[' + i % 4;
		cr_expect_leq(wt_label_width(pattern, len), WT_LABEL_WIDTH, "%zu", len);
	}
}
