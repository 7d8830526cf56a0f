/* SPDX-License-Identifier: MIT */
/*
 * small_buffer - memory for a text that may be too long for the stack of a signal handler. No lock.
 */
#ifndef WT_SMALL_BUFFER_H
#define WT_SMALL_BUFFER_H

#include <stddef.h>

struct wt_small_buffer {
	char small[512];
	char *at;
	size_t size;
};

/*
 * Provides at least `size` bytes, in the struct or in a mapping. `at` is NULL if there is no
 * memory.
 */
void wt_small_buffer_make(struct wt_small_buffer *room, size_t size);
void wt_small_buffer_leave(struct wt_small_buffer *room);

#endif
