/* SPDX-License-Identifier: MIT */
/*
 * text - appends words and numbers to a buffer of the caller's.
 *
 * Pure: no system call, no allocation, no locale (a decimal comma would not be JSON), safe in
 * signal handlers. Each call appends all of its piece, or nothing if it does not fit; after that
 * nothing is appended any more, so the text is never torn. There is no final NUL.
 */
#ifndef WT_TEXT_H
#define WT_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct wt_text {
	char *buf;
	size_t size;
	size_t len;
	bool cut; /* a piece did not fit */
};

void wt_text_bytes(struct wt_text *text, const char *bytes, size_t len);
void wt_text_str(struct wt_text *text, const char *str);
void wt_text_u64(struct wt_text *text, uint64_t value);

/* Appends value / 10^digits as a decimal number with `digits` places, rounded down. */
void wt_text_decimal(struct wt_text *text, uint64_t value, unsigned int digits);

/*
 * Appends a time, given in milliseconds since 1970 (UTC), as ISO 8601: "2026-11-29T00:18:25.123Z".
 */
void wt_text_time(struct wt_text *text, uint64_t unix_ms);

/*
 * Appends bytes of any origin so that a terminal is safe: control characters (also Unicode's, for
 * line ends and text direction) and bytes that are not UTF-8 become \xNN, one escape a byte. Each
 * character is a piece of its own.
 */
void wt_text_plain(struct wt_text *text, const char *bytes, size_t len);

/*
 * Appends the bytes as a JSON string with its quotes; what is not UTF-8 becomes U+FFFD. NULL
 * becomes null.
 */
void wt_text_json(struct wt_text *text, const char *bytes, size_t len);

/*
 * Pads what was appended since `start` to `width` characters, with blanks behind it or, if `right`,
 * before it.
 */
void wt_text_pad(struct wt_text *text, size_t start, size_t width, bool right);

/* How many characters the UTF-8 bytes show. */
size_t wt_text_width(const char *bytes, size_t len);

#endif
