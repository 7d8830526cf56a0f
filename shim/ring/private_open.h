/* SPDX-License-Identifier: MIT */
/*
 * private_open - a private opening: an opening of the file that only this thread waits on.
 *
 * The kernel keeps one record of writeback errors for an inode, and reports to each open file
 * description what is new since it last asked (errseq, Documentation/core-api/errseq.rst). On an
 * opening of its own, made before the bytes were copied, a thread gets every error since. It takes
 * none from the program, and nobody takes one from it, so a success there is true. An error may
 * belong to another write (core/readback.h).
 *
 * Each call takes the thread's ring and gives it back, so the program's own call in between runs
 * with its signals. A wait costs one hand-over to a kernel worker (about 10 us). The opening is a
 * mirror and belongs to the ring (mirror.h). No lock.
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

/*
 * Finds or makes the thread's private opening of the file behind fd. To be called before the copy.
 * WT_WHY_NONE, or why there is no such opening.
 */
enum wt_reason wt_private_open_get(struct wt_private_open *private_open, int fd);

/*
 * Writes the range back and waits until it is on the device (sync_file_range(2) with all flags). 0,
 * or the -errno of an error recorded since the last wait. -ESTALE if the opening is gone,
 * -ECANCELED if the request could not be submitted.
 */
int wt_private_open_wait(const struct wt_private_open *private_open, struct wt_range range);
/*
 * Waits until the range is on stable storage, with the metadata needed to read it back (`datasync`,
 * as fdatasync(2)) or with all of it (fsync(2)). The same results, and -ECANCELED also if the
 * kernel refuses the sync.
 */
int wt_private_open_sync(const struct wt_private_open *private_open, struct wt_range range,
			 bool datasync);

#endif
