/* SPDX-License-Identifier: MIT */
/*
 * private opening - an opening of the file that only this thread waits on.
 *
 * The kernel keeps one record of writeback errors for an inode and tells each open
 * file description what is new since it last asked (errseq). On its own opening, made
 * before the bytes were copied, a thread is told of every error since, takes none from the
 * program, and nobody takes one from it: a success there is the truth. An error
 * may be another's (readback.h).
 *
 * Each call takes the thread's ring and gives it back, so that the program's own call in
 * between runs with its signals. The price of a wait is one hand-over to a kernel worker
 * (about 10 us).
 */
#ifndef WT_PRIVATE_OPEN_H
#define WT_PRIVATE_OPEN_H

#include <stdbool.h>
#include <stdint.h>

#include "base/reason.h"
#include "os/io.h"

struct wt_private_open {
	int slot;
	uint32_t opening;
};

/* To be called before the copy. WT_WHY_NONE, or why there is none. */
enum wt_reason wt_private_open_get(struct wt_private_open *private_open, int fd);

/*
 * Writes the range back and waits: until it is on the device, or until it is on stable
 * storage with the metadata needed to read it back (`datasync`) or all of it. 0, an error
 * recorded since the last wait, or -ESTALE where the opening is no longer there; -ECANCELED where
 * the sync is refused.
 */
int wt_private_open_wait(const struct wt_private_open *private_open, struct wt_range range);
int wt_private_open_sync(const struct wt_private_open *private_open, struct wt_range range,
			 bool datasync);

#endif
