/* SPDX-License-Identifier: MIT */
/*
 * text - words and numbers put one behind another into a buffer of the caller's.
 *
 * Pure: no system call, no allocation, no locale (a comma in the user's language would not
 * be JSON), safe in signal handlers. Each call adds all of its piece or, where that does
 * not fit, nothing, and then no later piece is added either: what is there is never torn.
 * There is no final NUL.
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
	bool cut; /* something did not fit */
};

void wt_text_bytes(struct wt_text *text, const char *bytes, size_t len);
void wt_text_str(struct wt_text *text, const char *str);
void wt_text_u64(struct wt_text *text, uint64_t value);

/* value / 10^digits as a decimal number with `digits` places, rounded down. */
void wt_text_decimal(struct wt_text *text, uint64_t value, unsigned int digits);

/* The time that many milliseconds after 1970 (UTC), as ISO 8601: "2026-11-29T00:18:25.123Z". */
void wt_text_time(struct wt_text *text, uint64_t unix_ms);

/*
 * Bytes of any origin, for people: control characters (those of Unicode for lines and
 * directions too) and what is not UTF-8 become \xNN, one escape a byte. A piece is one character.
 */
void wt_text_plain(struct wt_text *text, const char *bytes, size_t len);

/* The same as a JSON string with its quotes; what is not UTF-8 becomes U+FFFD. NULL: null. */
void wt_text_json(struct wt_text *text, const char *bytes, size_t len);

/* Adds blanks behind (or, `right`, before) what came since `start`, to `width` characters. */
void wt_text_pad(struct wt_text *text, size_t start, size_t width, bool right);

/* How many characters UTF-8 bytes show. */
size_t wt_text_width(const char *bytes, size_t len);

#endif
