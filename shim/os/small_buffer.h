/* SPDX-License-Identifier: MIT */
/* small_buffer - a place for text that may be too long for the stack of a signal handler. No lock.
 */
#ifndef WT_SMALL_BUFFER_H
#define WT_SMALL_BUFFER_H

#include <stddef.h>

struct wt_small_buffer {
	char small[512];
	char *at;
	size_t size;
};

/* Of that many bytes at least, on the stack or in a mapping; `at` is NULL without memory. */
void wt_small_buffer_make(struct wt_small_buffer *room, size_t size);
void wt_small_buffer_leave(struct wt_small_buffer *room);

#endif
