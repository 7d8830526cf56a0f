/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "base/base.h"
#include "base/glob.h"

/* The character classes of the C locale, each as pairs of first and last byte. */
static const struct {
	const char *name;
	const char *ranges;
} classes[] = {
	{ "alnum", "09AZaz" },	 { "alpha", "AZaz" },
	{ "blank", "  \t\t" },	 { "cntrl", "\001\037\177\177" },
	{ "digit", "09" },	 { "graph", "!~" },
	{ "lower", "az" },	 { "print", " ~" },
	{ "punct", "!/:@[`{~" }, { "space", "\t\r  " },
	{ "upper", "AZ" },	 { "xdigit", "09AFaf" },
};

/*
 * A position in a pattern. `fault` is NULL until an error is found, and then says what was expected
 * at the position.
 */
struct cursor {
	const char *at;
	const char *end;
	const char *fault;
};

static bool next_is(const struct cursor *in, char byte)
{
	return in->at < in->end && *in->at == byte;
}

static bool opens(const struct cursor *in, char kind)
{
	return in->end - in->at >= 2 && in->at[0] == '[' && in->at[1] == kind;
}

static bool fail(struct cursor *in, const char *at, const char *expected)
{
	in->at = at;
	in->fault = expected;
	return false;
}

/* Matches one class, "[:name:]". The cursor stands on its '['. */
static bool match_class(struct cursor *in, unsigned char byte)
{
	const char *name = in->at + 2;

	for (size_t i = 0; i < WT_LENGTH(classes); i++) {
		const char *ranges = classes[i].ranges;
		size_t len = strlen(classes[i].name);

		if ((size_t)(in->end - name) < len + 2 || memcmp(name, classes[i].name, len) ||
		    memcmp(name + len, ":]", 2))
			continue;
		in->at = name + len + 2;
		for (; *ranges; ranges += 2) {
			if (byte >= (unsigned char)ranges[0] && byte <= (unsigned char)ranges[1])
				return true;
		}
		return false;
	}
	return fail(in, in->at, "a class such as [:digit:]");
}

/* Takes one byte of a bracket: plain, quoted by a backslash, or as "[.x.]" or "[=x=]". */
static bool take_byte(struct cursor *in, unsigned char *byte)
{
	if (opens(in, '.') || opens(in, '=')) {
		const char *at = in->at;

		if (in->end - at < 5 || at[3] != at[1] || at[4] != ']')
			return fail(in, at, "one character, as in [.x.] or [=x=]");
		*byte = at[2];
		in->at += 5;
		return true;
	}
	if (next_is(in, '\\'))
		in->at++;
	if (in->at == in->end)
		return fail(in, in->at, "']' to end the brackets");
	*byte = *in->at++;
	return true;
}

/* Matches one item of a bracket: a class, a byte or a range of bytes. */
static bool match_item(struct cursor *in, unsigned char byte)
{
	const char *start = in->at;
	bool ranged = !opens(in, '=');
	unsigned char first, last;

	if (opens(in, ':'))
		return match_class(in, byte);
	if (!take_byte(in, &first))
		return false;
	last = first;
	if (ranged && next_is(in, '-') && in->end - in->at >= 2 && in->at[1] != ']') {
		in->at++;
		if (opens(in, ':') || opens(in, '='))
			return fail(in, in->at, "a character to end the range");
		if (!take_byte(in, &last))
			return false;
		if (last < first)
			return fail(in, start, "a range from the lower byte to the higher");
	}
	return byte >= first && byte <= last;
}

/*
 * Matches a bracket, with the cursor behind its '[' before and behind its ']' after. On a fault,
 * returns false and sets in->fault.
 */
static bool match_bracket(struct cursor *in, unsigned char byte)
{
	const char *open = in->at - 1;
	bool negated = next_is(in, '!') || next_is(in, '^');
	bool found = false;
	const char *first;

	in->at += negated;
	first = in->at;
	while (in->at < in->end && (*in->at != ']' || in->at == first)) {
		if (match_item(in, byte))
			found = true;
		if (in->fault)
			return false;
	}
	if (in->at == in->end)
		return fail(in, open, "']' to end the brackets that begin here");
	in->at++;
	return found != negated;
}

/* Matches one element of the pattern other than '*' against one byte. */
static bool match_one(struct cursor *in, unsigned char byte)
{
	char element = *in->at++;

	if (element == '?')
		return true;
	if (element == '[')
		return match_bracket(in, byte);
	if (element == '\\') {
		if (in->at == in->end)
			return fail(in, in->at - 1, "a character after the backslash");
		element = *in->at++;
	}
	return (unsigned char)element == byte;
}

/*
 * A mismatch is retried at the last '*' only, with one byte more for it. What stands before that
 * '*' has matched as early as possible, so more bytes for an earlier one would not help.
 */
bool wt_glob_match(const char *pattern, size_t pattern_len, const char *string)
{
	struct cursor in = { pattern, pattern + pattern_len, NULL };
	const char *after_star = NULL;
	const char *star_end = string;

	while (*string || in.at < in.end) {
		if (next_is(&in, '*')) {
			after_star = ++in.at;
			star_end = string;
			continue;
		}
		if (*string && in.at < in.end && match_one(&in, *string)) {
			string++;
			continue;
		}
		if (!after_star || !*string)
			return false;
		in.at = after_star;
		string = ++star_end;
	}
	return true;
}

const char *wt_glob_fault(const char *pattern, size_t pattern_len, size_t *offset)
{
	struct cursor in = { pattern, pattern + pattern_len, NULL };

	while (in.at < in.end && !in.fault) {
		if (*in.at == '*')
			in.at++;
		else
			match_one(&in, 0);
	}
	*offset = in.at - pattern;
	return in.fault;
}
