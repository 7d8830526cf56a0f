/* SPDX-License-Identifier: MIT */
/* the read-back of output: as strict as any reader may be, and not of libwt's making. */
#include <ctype.h>
#include <stdbool.h>
#include <string.h>

#include "fuzz.h"

/* The bytes of the character at `s`, checked for the shortest form (Unicode, table 3-7). */
static size_t character(const unsigned char *s, size_t len)
{
	size_t more = s[0] < 0x80 ? 0 : s[0] < 0xe0 ? 1 : s[0] < 0xf0 ? 2 : 3;
	unsigned char least = s[0] == 0xe0 ? 0xa0 : s[0] == 0xf0 ? 0x90 : 0x80;
	unsigned char most = s[0] == 0xed ? 0x9f : s[0] == 0xf4 ? 0x8f : 0xbf;

	require(!more || (s[0] >= 0xc2 && s[0] <= 0xf4));
	require(more < len);
	for (size_t i = 1; i <= more; i++) {
		require(s[i] >= (i == 1 ? least : 0x80) && s[i] <= (i == 1 ? most : 0xbf));
	}
	return 1 + more;
}

static bool is_control(const unsigned char *s, size_t len)
{
	if (len == 1)
		return s[0] < 0x20 || s[0] == 0x7f;
	if (len == 2)
		return s[0] == 0xc2 && s[1] < 0xa0;
	/* U+2028 to U+202E, U+2066 to U+2069 */
	return len == 3 && s[0] == 0xe2 &&
	       ((s[1] == 0x80 && s[2] >= 0xa8 && s[2] <= 0xae) ||
		(s[1] == 0x81 && s[2] >= 0xa6 && s[2] <= 0xa9));
}

void require_plain(const char *text, size_t len)
{
	const unsigned char *s = (const unsigned char *)text;

	require(!len || text[len - 1] == '\n');
	for (size_t i = 0, n; i < len; i += n) {
		n = character(s + i, len - i);
		require(s[i] == '\n' || !is_control(s + i, n));
	}
}

struct reader {
	const char *at;
	const char *end;
	struct json_sums sums;
};

static char next(struct reader *in)
{
	require(in->at < in->end);
	return *in->at++;
}

static bool skip(struct reader *in, char c)
{
	bool there = in->at < in->end && *in->at == c;

	in->at += there;
	return there;
}

static void word(struct reader *in, const char *expected)
{
	while (*expected)
		require(next(in) == *expected++);
}

static void string(struct reader *in)
{
	require(next(in) == '"');
	for (char c; (c = next(in)) != '"';) {
		if (c != '\\')
			continue;
		c = next(in);
		if (c != 'u') {
			require(strchr("\"\\/bfnrt", c) && c);
			continue;
		}
		for (int i = 0; i < 4; i++)
			require(isxdigit((unsigned char)next(in)));
	}
}

/* The whole part; a fraction only counts as well-formed. */
static uint64_t number(struct reader *in)
{
	const char *start = in->at;
	uint64_t value = 0;

	while (in->at < in->end && isdigit((unsigned char)*in->at))
		value = value * 10 + (next(in) - '0');
	require(in->at > start);
	require(*start != '0' || in->at == start + 1);
	if (skip(in, '.')) {
		require(isdigit((unsigned char)next(in)));
		while (in->at < in->end && isdigit((unsigned char)*in->at))
			in->at++;
	}
	return value;
}

static void value(struct reader *in, const char *key, size_t key_len, int depth);

static void object(struct reader *in, int depth)
{
	if (skip(in, '}'))
		return;
	do {
		const char *key = in->at + 1;

		string(in);
		size_t key_len = in->at - 1 - key;
		require(next(in) == ':');
		value(in, key, key_len, depth);
	} while (skip(in, ','));
	require(next(in) == '}');
}

static void array(struct reader *in, int depth)
{
	if (skip(in, ']'))
		return;
	do {
		value(in, "", 0, depth);
	} while (skip(in, ','));
	require(next(in) == ']');
}

static void value(struct reader *in, const char *key, size_t key_len, int depth)
{
	require(depth < 8);
	if (skip(in, '{')) {
		object(in, depth + 1);
	} else if (skip(in, '[')) {
		array(in, depth + 1);
	} else if (in->at < in->end && *in->at == '"') {
		string(in);
	} else if (in->at < in->end && *in->at == 'n') {
		word(in, "null");
	} else {
		uint64_t found = number(in);

		if (key_len == 5 && !memcmp(key, "count", 5))
			in->sums.count += found;
		if (key_len == 6 && !memcmp(key, "writes", 6))
			in->sums.writes += found;
	}
}

struct json_sums require_json(const char *text, size_t len)
{
	struct reader in = { .at = text, .end = text + len };

	require_plain(text, len);
	require(in.at < in.end && *in.at == '{');
	value(&in, "", 0, 0);
	require(next(&in) == '\n' && in.at == in.end);
	return in.sums;
}
