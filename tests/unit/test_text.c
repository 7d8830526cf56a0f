/* SPDX-License-Identifier: MIT */
/* Pieces put into a bounded buffer: numbers, escapes, columns, and the end of the room. */
#include <criterion/criterion.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"

#define LENGTH(array) (sizeof(array) / sizeof((array)[0]))

static char buf[256];

static struct wt_text with_room(size_t size)
{
	memset(buf, '#', sizeof(buf));
	return (struct wt_text){ .buf = buf, .size = size };
}

static void expect(const struct wt_text *text, const char *expected)
{
	cr_expect(text->len == strlen(expected) && !memcmp(text->buf, expected, text->len),
		  "got \"%.*s\", expected \"%s\"", (int)text->len, text->buf, expected);
	cr_expect_eq(text->buf[text->len], '#', "a byte behind the text was touched");
}

static void expect_plain(const char *bytes, size_t len, const char *expected)
{
	struct wt_text text = with_room(sizeof(buf) - 1);

	wt_text_plain(&text, bytes, len);
	expect(&text, expected);
}

static void expect_json(const char *bytes, size_t len, const char *expected)
{
	struct wt_text text = with_room(sizeof(buf) - 1);

	wt_text_json(&text, bytes, len);
	expect(&text, expected);
}

Test(text, number_is_written_as_printf_does)
{
	static const uint64_t values[] = { 0, 1, 9, 10, 99, 100, 18446744073709551615u };

	for (size_t i = 0; i < LENGTH(values); i++) {
		struct wt_text text = with_room(sizeof(buf) - 1);
		char expected[32];

		snprintf(expected, sizeof(expected), "%" PRIu64, values[i]);
		wt_text_u64(&text, values[i]);
		expect(&text, expected);
	}
}

Test(text, decimal_keeps_all_its_places)
{
	static const struct {
		uint64_t value;
		unsigned int digits;
		const char *expected;
	} cases[] = {
		{ 0, 1, "0.0" },      { 5, 1, "0.5" },	      { 10, 1, "1.0" },
		{ 1234, 1, "123.4" }, { 7, 3, "0.007" },      { 1000, 3, "1.000" },
		{ 1234, 3, "1.234" }, { 12345, 3, "12.345" },
	};

	for (size_t i = 0; i < LENGTH(cases); i++) {
		struct wt_text text = with_room(sizeof(buf) - 1);

		wt_text_decimal(&text, cases[i].value, cases[i].digits);
		expect(&text, cases[i].expected);
	}
}

Test(text, control_characters_are_escaped_for_people)
{
	expect_plain("a\nb\tc\x1b[31m\x7f", 11, "a\\x0ab\\x09c\\x1b[31m\\x7f");
	expect_plain("\0", 1, "\\x00");
	/* U+009B is a control sequence introducer to some terminals. */
	expect_plain("\xc2\x9b", 2, "\\xc2\\x9b");
	expect_plain("\"quotes\\ stay", 13, "\"quotes\\ stay");
}

Test(text, what_parts_lines_or_turns_them_around_is_escaped_for_people)
{
	expect_plain("\xe2\x80\xa8", 3, "\\xe2\\x80\\xa8");
	expect_plain("\xe2\x80\xa9", 3, "\\xe2\\x80\\xa9");
	expect_plain("\xe2\x80\xae", 3, "\\xe2\\x80\\xae");
	expect_plain("\xe2\x81\xa6", 3, "\\xe2\\x81\\xa6");
	expect_plain("\xe2\x80\xa7\xe2\x80\xaf\xe2\x81\xaa", 9,
		     "\xe2\x80\xa7\xe2\x80\xaf\xe2\x81\xaa");
	expect_json("\xe2\x80\xa8\xe2\x80\xae", 6, "\"\\u2028\\u202e\"");
}

Test(text, utf8_passes_and_what_is_not_is_escaped_for_people)
{
	static const char good[] = "\xc3\xa9 \xe2\x82\xac \xf0\x9f\x90\xa7 \xf4\x8f\xbf\xbf";

	expect_plain(good, sizeof(good) - 1, good);
	expect_plain("\xe9t\xe9", 3, "\\xe9t\\xe9");
	expect_plain("\xc0\xaf", 2, "\\xc0\\xaf");
	expect_plain("\xe0\x80\xaf", 3, "\\xe0\\x80\\xaf");
	expect_plain("\xed\xa0\x80", 3, "\\xed\\xa0\\x80");
	expect_plain("\xf4\x90\x80\x80", 4, "\\xf4\\x90\\x80\\x80");
	expect_plain("\xf8\x88\x80\x80\x80", 5, "\\xf8\\x88\\x80\\x80\\x80");
	expect_plain("\xe2\x82", 2, "\\xe2\\x82");
	expect_plain("\xe2\x82z", 3, "\\xe2\\x82z");
}

Test(text, json_string_escapes_what_json_forbids)
{
	expect_json("a\"b\\c/\n", 7, "\"a\\\"b\\\\c/\\u000a\"");
	expect_json("\xc2\x9b\x7f", 3, "\"\\u009b\\u007f\"");
	expect_json("\xc3\xa9", 2, "\"\xc3\xa9\"");
	expect_json("\xff\xe2\x82", 3, "\"\\ufffd\\ufffd\\ufffd\"");
	expect_json("", 0, "\"\"");
	expect_json(NULL, 0, "null");
}

Test(text, piece_that_does_not_fit_is_left_out_whole_and_so_is_all_after_it)
{
	struct wt_text text = with_room(5);

	wt_text_str(&text, "1234");
	wt_text_plain(&text, "\xc3\xa9", 2);
	cr_expect(text.cut);
	wt_text_str(&text, "5");
	expect(&text, "1234");
}

Test(text, room_is_used_to_the_last_byte)
{
	struct wt_text text = with_room(5);

	wt_text_str(&text, "12345");
	cr_expect(!text.cut);
	expect(&text, "12345");
}

Test(text, columns_are_counted_in_characters)
{
	struct wt_text text = with_room(sizeof(buf) - 1);

	wt_text_str(&text, "<");
	wt_text_str(&text, "\xc3\xa9");
	wt_text_pad(&text, 1, 3, false);
	size_t start = text.len;
	wt_text_u64(&text, 42);
	wt_text_pad(&text, start, 4, true);
	start = text.len;
	wt_text_str(&text, "wide");
	wt_text_pad(&text, start, 2, true);
	expect(&text, "<\xc3\xa9    42wide");
}

Test(text, padding_stays_inside_the_room)
{
	struct wt_text text = with_room(6);

	wt_text_str(&text, "ab");
	wt_text_pad(&text, 0, 100, true);
	cr_expect(text.cut);
	cr_expect_leq(text.len, 6);
	cr_expect_eq(buf[6], '#');
}

/* date -u -d @SECONDS +%FT%TZ */
Test(text, time_is_that_of_the_calendar)
{
	static const struct {
		uint64_t unix_ms;
		const char *time;
	} rows[] = {
		{ 0, "1970-01-01T00:00:00.000Z" },
		{ 951782399999, "2000-02-28T23:59:59.999Z" },
		{ 951782400000, "2000-02-29T00:00:00.000Z" },
		{ 951868800001, "2000-03-01T00:00:00.001Z" },
		{ 1709164800000, "2024-02-29T00:00:00.000Z" },
		{ 1735689599099, "2024-12-31T23:59:59.099Z" },
		{ 1735689600000, "2025-01-01T00:00:00.000Z" },
		{ 4107542399000, "2100-02-28T23:59:59.000Z" },
		{ 4107542400000, "2100-03-01T00:00:00.000Z" },
		{ 253402300799000, "9999-12-31T23:59:59.000Z" },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char room[64];
		struct wt_text text = { .buf = room, .size = sizeof(room) };

		wt_text_time(&text, rows[i].unix_ms);
		cr_expect(text.len == strlen(rows[i].time) && !memcmp(room, rows[i].time, text.len),
			  "%.*s for %s", (int)text.len, room, rows[i].time);
	}
}
