/* SPDX-License-Identifier: MIT */
/*
 * label - a pattern as a table for people has room for it.
 *
 * Pure. A pattern of up to WT_LABEL_WIDTH characters is shown as it is. In a longer one a piece
 * that stands there many times in a row is shown once, with how often ("[0-9]×6"), and of what is
 * still longer the middle is left out ("…").
 */
#ifndef WT_LABEL_H
#define WT_LABEL_H

#include "base/text.h"

#define WT_LABEL_WIDTH 40

/* Adds the label, with what cannot be shown escaped (wt_text_plain). */
void wt_label_add(struct wt_text *out, const char *pattern, size_t len);

/* How many characters that takes. */
size_t wt_label_width(const char *pattern, size_t len);

#endif
