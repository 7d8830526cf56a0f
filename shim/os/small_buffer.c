/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#include "os/small_buffer.h"

#include <sys/mman.h>

void wt_small_buffer_make(struct wt_small_buffer *room, size_t size)
{
	room->at = room->small;
	room->size = sizeof(room->small);
	if (size <= room->size)
		return;
	room->at = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	room->size = size;
	if (room->at == MAP_FAILED)
		room->at = NULL;
}

void wt_small_buffer_leave(struct wt_small_buffer *room)
{
	if (room->at && room->at != room->small)
		munmap(room->at, room->size);
}
