/* SPDX-License-Identifier: MIT */
#include "base/text.h"

#include <string.h>

void wt_text_bytes(struct wt_text *text, const char *bytes, size_t len)
{
	if (text->cut || len > text->size - text->len) {
		text->cut = true;
		return;
	}
	memcpy(text->buf + text->len, bytes, len);
	text->len += len;
}

void wt_text_str(struct wt_text *text, const char *str)
{
	wt_text_bytes(text, str, strlen(str));
}

void wt_text_decimal(struct wt_text *text, uint64_t value, unsigned int digits)
{
	char buf[64];
	size_t at = sizeof(buf);

	for (unsigned int place = 0; value || place <= digits; place++) {
		if (place && place == digits)
			buf[--at] = '.';
		buf[--at] = '0' + value % 10;
		value /= 10;
	}
	wt_text_bytes(text, buf + at, sizeof(buf) - at);
}

void wt_text_u64(struct wt_text *text, uint64_t value)
{
	wt_text_decimal(text, value, 0);
}

static bool is_leap(uint64_t year)
{
	return (year % 4 == 0 && year % 100) || year % 400 == 0;
}

/* Appends the value with at least `digits` digits, and then `behind`. */
static void add_padded(struct wt_text *text, uint64_t value, unsigned int digits,
		       const char *behind)
{
	uint64_t least = 1;

	while (--digits)
		least *= 10;
	for (; least > 1 && value < least; least /= 10)
		wt_text_str(text, "0");
	wt_text_u64(text, value);
	wt_text_str(text, behind);
}

static unsigned int days_of_month(unsigned int month, uint64_t year)
{
	static const unsigned char days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };

	return days[month] + (month == 1 && is_leap(year));
}

/* gmtime(3) is not used: it takes a lock of libc's and reads the environment. */
void wt_text_time(struct wt_text *text, uint64_t unix_ms)
{
	uint64_t second = unix_ms / 1000, day = second / 86400, year = 1970;
	unsigned int month = 0;

	/* The calendar repeats itself every 400 years, which are 146097 days. */
	year += day / 146097 * 400;
	day %= 146097;
	for (; day >= 365u + is_leap(year); year++)
		day -= 365 + is_leap(year);
	for (; day >= days_of_month(month, year); month++)
		day -= days_of_month(month, year);
	add_padded(text, year, 4, "-");
	add_padded(text, month + 1, 2, "-");
	add_padded(text, day + 1, 2, "T");
	add_padded(text, second / 3600 % 24, 2, ":");
	add_padded(text, second / 60 % 60, 2, ":");
	add_padded(text, second % 60, 2, ".");
	add_padded(text, unix_ms % 1000, 3, "Z");
}

/*
 * The length in bytes of the UTF-8 character at `s`, with its code point in *ret_code; 0 if there
 * is no valid one.
 */
static size_t decode(const unsigned char *s, size_t len, uint32_t *ret_code)
{
	static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
	size_t bytes = s[0] < 0x80 ? 1 : s[0] < 0xc0 ? 0 : s[0] < 0xe0 ? 2 : s[0] < 0xf0 ? 3 : 4;
	uint32_t code = bytes < 2 ? s[0] : s[0] & (0xff >> bytes >> 1);

	if (bytes == 0 || bytes > len || s[0] >= 0xf8)
		return 0;
	for (size_t i = 1; i < bytes; i++) {
		if ((s[i] & 0xc0) != 0x80)
			return 0;
		code = code << 6 | (s[i] & 0x3f);
	}
	if (code < least[bytes] || code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff))
		return 0;
	*ret_code = code;
	return bytes;
}

/*
 * Whether a terminal or a viewer obeys the character instead of showing it: the C0 and C1 controls,
 * the separators of lines and paragraphs, and those that change the direction of the text behind
 * them.
 */
static bool is_control(uint32_t code)
{
	return code < 0x20 || (code >= 0x7f && code < 0xa0) || code == 0x2028 || code == 0x2029 ||
	       (code >= 0x202a && code <= 0x202e) || (code >= 0x2066 && code <= 0x2069);
}

static void add_hex(struct wt_text *text, const char *prefix, unsigned int value, int digits)
{
	char buf[8];
	size_t len = strlen(prefix);

	memcpy(buf, prefix, len);
	while (digits--)
		buf[len++] = "0123456789abcdef"[value >> 4 * digits & 15];
	wt_text_bytes(text, buf, len);
}

void wt_text_plain(struct wt_text *text, const char *bytes, size_t len)
{
	const unsigned char *s = (const unsigned char *)bytes;
	uint32_t code;

	for (size_t i = 0, n; i < len; i += n) {
		n = decode(s + i, len - i, &code);
		if (n && !is_control(code)) {
			wt_text_bytes(text, bytes + i, n);
		} else {
			n = 1;
			add_hex(text, "\\x", s[i], 2);
		}
	}
}

void wt_text_json(struct wt_text *text, const char *bytes, size_t len)
{
	const unsigned char *s = (const unsigned char *)bytes;
	uint32_t code;

	if (!bytes) {
		wt_text_str(text, "null");
		return;
	}
	wt_text_str(text, "\"");
	for (size_t i = 0, n; i < len; i += n) {
		n = decode(s + i, len - i, &code);
		if (n == 0) {
			n = 1;
			add_hex(text, "\\u", 0xfffd, 4);
		} else if (is_control(code)) {
			add_hex(text, "\\u", code, 4);
		} else {
			if (code == '"' || code == '\\')
				wt_text_str(text, "\\");
			wt_text_bytes(text, bytes + i, n);
		}
	}
	wt_text_str(text, "\"");
}

size_t wt_text_width(const char *bytes, size_t len)
{
	size_t width = 0;

	for (size_t i = 0; i < len; i++)
		width += (bytes[i] & 0xc0) != 0x80;
	return width;
}

void wt_text_pad(struct wt_text *text, size_t start, size_t width, bool right)
{
	size_t shown = wt_text_width(text->buf + start, text->len - start);
	size_t piece = text->len - start;

	for (; shown < width; shown++)
		wt_text_str(text, " ");
	if (right && !text->cut) {
		size_t blanks = text->len - start - piece;

		memmove(text->buf + start + blanks, text->buf + start, piece);
		memset(text->buf + start, ' ', blanks);
	}
}
