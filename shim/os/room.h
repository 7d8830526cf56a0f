/* SPDX-License-Identifier: MIT */
/* room - a place for text that may be too long for the stack of a signal handler. No lock. */
#ifndef WT_ROOM_H
#define WT_ROOM_H

#include <stddef.h>

struct wt_room {
	char small[512];
	char *at;
	size_t size;
};

/* Of that many bytes at least, on the stack or in a mapping; `at` is NULL without memory. */
void wt_room_make(struct wt_room *room, size_t size);
void wt_room_leave(struct wt_room *room);

#endif
