/* SPDX-License-Identifier: MIT */
#include "base/label.h"

#include <string.h>

/* A shorter run is easier to read than a count. */
#define REPEATED_MIN 4

/*
 * If the folded pattern is longer than this, the pattern is cut in the middle without being folded.
 */
#define FOLDED_BYTES 512

#define HEAD_WIDTH 24
#define TAIL_WIDTH (WT_LABEL_WIDTH - HEAD_WIDTH - 1)

/*
 * The length in bytes of the first piece: a class in brackets, an escaped character, or one byte.
 */
static size_t piece_len(const char *pattern, size_t len)
{
	size_t at = 1;

	if (*pattern == '\\')
		return len > 1 ? 2 : 1;
	if (*pattern != '[')
		return 1;
	if (at < len && (pattern[at] == '!' || pattern[at] == '^'))
		at++;
	/* A ']' directly behind the '[' belongs to the class and does not end it. */
	for (at++; at < len; at++) {
		if (pattern[at] == ']')
			return at + 1;
		if (pattern[at] == '\\')
			at++;
	}
	return 1;
}

static size_t repeats(const char *pattern, size_t len, size_t piece)
{
	size_t count = 1;

	while ((count + 1) * piece <= len && !memcmp(pattern, pattern + count * piece, piece))
		count++;
	return count;
}

static void fold(struct wt_text *folded, const char *pattern, size_t len)
{
	for (size_t at = 0; at < len && !folded->cut;) {
		size_t piece = piece_len(pattern + at, len - at);
		size_t count = repeats(pattern + at, len - at, piece);

		if (count < REPEATED_MIN)
			count = 1;
		wt_text_bytes(folded, pattern + at, piece);
		if (count > 1) {
			wt_text_str(folded, "×");
			wt_text_u64(folded, count);
		}
		at += count * piece;
	}
}

static bool is_inside_character(const char *at)
{
	return (*at & 0xc0) == 0x80;
}

/* The byte where character number `n`, counted from 0, begins. */
static size_t nth_character(const char *bytes, size_t len, size_t n)
{
	size_t at = 0;

	for (; at < len; at++) {
		if (!is_inside_character(bytes + at) && !n--)
			break;
	}
	return at;
}

static void add_without_middle(struct wt_text *out, const char *bytes, size_t len)
{
	size_t width = wt_text_width(bytes, len);
	size_t head = nth_character(bytes, len, HEAD_WIDTH);
	size_t tail = nth_character(bytes, len, width - TAIL_WIDTH);

	wt_text_plain(out, bytes, head);
	wt_text_str(out, "…");
	wt_text_plain(out, bytes + tail, len - tail);
}

static bool fits(const char *bytes, size_t len)
{
	return wt_text_width(bytes, len) <= WT_LABEL_WIDTH;
}

void wt_label_add(struct wt_text *out, const char *pattern, size_t len)
{
	char buf[FOLDED_BYTES];
	struct wt_text folded = { .buf = buf, .size = sizeof(buf) };

	if (fits(pattern, len)) {
		wt_text_plain(out, pattern, len);
		return;
	}
	fold(&folded, pattern, len);
	if (folded.cut)
		add_without_middle(out, pattern, len);
	else if (fits(buf, folded.len))
		wt_text_plain(out, buf, folded.len);
	else
		add_without_middle(out, buf, folded.len);
}

size_t wt_label_width(const char *pattern, size_t len)
{
	char buf[4 * 4 * WT_LABEL_WIDTH];
	struct wt_text label = { .buf = buf, .size = sizeof(buf) };

	wt_label_add(&label, pattern, len);
	return wt_text_width(buf, label.len);
}
