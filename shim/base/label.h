/* SPDX-License-Identifier: MIT */
/*
 * label - shortens a pattern so that it fits into a column of the report's table.
 *
 * Pure. A pattern of up to WT_LABEL_WIDTH characters is shown as it is. In a longer one, a piece
 * that is repeated is shown once with its count ("[0-9]×6"). If that is still too long, its middle
 * is replaced by "…".
 */
#ifndef WT_LABEL_H
#define WT_LABEL_H

#include "base/text.h"

#define WT_LABEL_WIDTH 40

/* Appends the label; what a terminal would not show is escaped as by wt_text_plain. */
void wt_label_add(struct wt_text *out, const char *pattern, size_t len);

/* The width of the label in characters. */
size_t wt_label_width(const char *pattern, size_t len);

#endif
