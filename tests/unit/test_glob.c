/* SPDX-License-Identifier: MIT */
/*
 * The matcher against its model, fnmatch(3) in the C locale, and what it calls
 * a fault where the model leaves the meaning open.
 */
#include <criterion/criterion.h>
#include <fnmatch.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/glob.h"

#define RANDOM_SEED 20240817u
#define RANDOM_ROUNDS 400000

static uint64_t random_state;

static unsigned int random_below(unsigned int limit)
{
	random_state = random_state * 6364136223846793005u + 1442695040888963407u;
	return (random_state >> 33) % limit;
}

static bool matches(const char *pattern, const char *string)
{
	return wt_glob_match(pattern, strlen(pattern), string);
}

static bool has_fault(const char *pattern)
{
	size_t offset;

	return wt_glob_fault(pattern, strlen(pattern), &offset);
}

/* Appends one of `count` pieces to a buffer with room for it. */
static void append_piece(char *buf, const char *const pieces[], size_t count)
{
	strcat(buf, pieces[random_below(count)]);
}

/* Bytes that mean something somewhere, and some that do not. */
static const char bytes[] = "abcx05A-]!^:=./[\\*?~_ \t\n\x80\xe9";

static void append_byte(char *buf)
{
	char piece[2] = { bytes[random_below(sizeof(bytes) - 1)], 0 };

	strcat(buf, piece);
}

static const char *const syntax[] = {
	"[",
	"]",
	"[!",
	"[^",
	"-",
	"\\",
	"[:alpha:]",
	"[:digit:]",
	"[:space:]",
	"[:punct:]",
	"[:cntrl:]",
	"[:upper:]",
	"[:print:]",
	"[:graph:]",
	"[:alnum:]",
	"[:xdigit:]",
	"[:lower:]",
	"[:blank:]",
	"[.a.]",
	"[.-.]",
	"[=b=]",
	"[.].]",
	"[]",
	"[!]",
	"*",
	"?",
	"**",
	"[a-c]",
	"[-a]",
	"[a-]",
	"[[:digit:]a-c-]",
	"[[=a=]-c]",
};
#define SYNTAX (sizeof(syntax) / sizeof(syntax[0]))

/* Anything, mostly faulty. */
static void make_soup(char *pattern)
{
	int pieces = random_below(7);

	*pattern = 0;
	while (pieces-- > 0) {
		if (random_below(2))
			append_byte(pattern);
		else
			append_piece(pattern, syntax, SYNTAX);
	}
}

/* Only what POSIX defines. */
static void make_good(char *pattern)
{
	static const char *const plain[] = {
		"a", "b", "/", "0", "\xe9", "*", "?", "\\*", "\\a", "*"
	};
	static const char *const items[] = {
		"a",	     "b",	  "\\]",       "\\-",	  "0-5",
		"a-c",	     "[:alpha:]", "[:punct:]", "[.-.]",	  "[=a=]",
		"\x80-\xff", "[:space:]", "[.a.]-c",   "\\a-\\c", "/",
	};
	static const char *const opening[] = { "[", "[!", "[^", "[]", "[!]", "[-", "[^-" };
	int pieces = 1 + random_below(4);

	*pattern = 0;
	while (pieces-- > 0) {
		if (random_below(2)) {
			append_piece(pattern, plain, sizeof(plain) / sizeof(plain[0]));
			continue;
		}
		append_piece(pattern, opening, sizeof(opening) / sizeof(opening[0]));
		for (int n = 1 + random_below(3); n > 0; n--)
			append_piece(pattern, items, sizeof(items) / sizeof(items[0]));
		strcat(pattern, random_below(4) ? "]" : "-]");
	}
}

static void make_string(char *string)
{
	int pieces = random_below(6);

	*string = 0;
	while (pieces-- > 0)
		append_byte(string);
}

Test(glob, agrees_with_fnmatch_on_random_patterns)
{
	unsigned int compared = 0, matched = 0, soups = 0;
	char pattern[256], string[64];

	random_state = RANDOM_SEED;
	fprintf(stderr, "# test_glob: seed %u\n", RANDOM_SEED);
	for (int round = 0; round < RANDOM_ROUNDS; round++) {
		bool soup = round % 2;
		bool model;

		if (soup)
			make_soup(pattern);
		else
			make_good(pattern);
		if (has_fault(pattern)) {
			cr_assert(soup, "round %d: a fault in the good pattern <%s>", round,
				  pattern);
			continue;
		}
		make_string(string);
		model = !fnmatch(pattern, string, 0);
		cr_assert_eq(matches(pattern, string), model,
			     "round %d: <%s> on <%s>: fnmatch says %d", round, pattern, string,
			     model);
		compared++;
		soups += soup;
		matched += model;
	}
	cr_expect_gt(soups, RANDOM_ROUNDS / 20, "only %u free patterns were good", soups);
	cr_expect_gt(matched, compared / 20, "only %u of %u matched", matched, compared);
}

Test(glob, agrees_with_fnmatch_on_every_byte)
{
	static const char *const brackets[] = {
		"[[:alnum:]]", "[[:alpha:]]",  "[[:blank:]]", "[[:cntrl:]]", "[[:digit:]]",
		"[[:graph:]]", "[[:lower:]]",  "[[:print:]]", "[[:punct:]]", "[[:space:]]",
		"[[:upper:]]", "[[:xdigit:]]", "[a-z]",	      "[!a-z]",	     "[\x01-\xff]",
		"[\x80-\xff]", "[!\x80-\xff]", "?",
	};

	for (size_t i = 0; i < sizeof(brackets) / sizeof(brackets[0]); i++) {
		for (int byte = 1; byte < 256; byte++) {
			char string[2] = { byte, 0 };

			cr_expect_eq(matches(brackets[i], string), !fnmatch(brackets[i], string, 0),
				     "%s on byte 0x%02x", brackets[i], byte);
		}
	}
}

/* What POSIX leaves open is refused, and where; the matcher agrees that it matches nothing. */
Test(glob, names_the_place_of_a_fault)
{
	static const struct {
		const char *pattern;
		size_t offset;
		const char *expected;
	} cases[] = {
		{ "ab[cd", 2, "']' to end the brackets that begin here" },
		{ "x[]", 1, "']' to end the brackets that begin here" },
		{ "x[!]", 1, "']' to end the brackets that begin here" },
		{ "[a\\]", 0, "']' to end the brackets that begin here" },
		{ "[a\\", 3, "']' to end the brackets" },
		{ "*.db\\", 4, "a character after the backslash" },
		{ "a[[:number:]]", 2, "a class such as [:digit:]" },
		{ "a[[:digit]", 2, "a class such as [:digit:]" },
		{ "[z-a]", 1, "a range from the lower byte to the higher" },
		{ "[a[.space.]]", 2, "one character, as in [.x.] or [=x=]" },
		{ "[[=a]", 1, "one character, as in [.x.] or [=x=]" },
		{ "[A-[:digit:]]", 3, "a character to end the range" },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const char *pattern = cases[i].pattern;
		size_t offset = 999;
		const char *fault = wt_glob_fault(pattern, strlen(pattern), &offset);

		cr_assert_not_null(fault, "%s", pattern);
		cr_expect_str_eq(fault, cases[i].expected, "%s: %s", pattern, fault);
		cr_expect_eq(offset, cases[i].offset, "%s: at %zu", pattern, offset);
		cr_expect_not(matches(pattern, pattern), "%s", pattern);
	}
}

/* Forty stars over a string that never matches: with backtracking into each it would not end. */
Test(glob, stars_do_not_explode, .timeout = 120)
{
	char pattern[4096] = "", string[4096];

	memset(string, 'a', sizeof(string) - 1);
	string[sizeof(string) - 1] = 0;
	for (int i = 0; i < 40; i++)
		strcat(pattern, "*[a-z]a?a");
	strcat(pattern, "*b");
	cr_expect_not(matches(pattern, string));
	string[sizeof(string) - 2] = 'b';
	cr_expect(matches(pattern, string));
}

/* The pattern of a rule lies in the middle of a longer text. */
Test(glob, reads_no_further_than_its_length)
{
	cr_expect(wt_glob_match("*.db=dsync", 4, "x.db"));
	cr_expect_not(wt_glob_match("*.db=dsync", 3, "x.db"));
	cr_expect(wt_glob_match("anything", 0, ""));
	cr_expect_not(wt_glob_match("[ab]", 3, "a"));
	cr_expect_not(wt_glob_match("[[:digit:]]", 9, "1"));
}
