/* SPDX-License-Identifier: MIT */
/*
 * readback - whether the bytes of one write are on the disk, when a wait could not say.
 *
 * A writeback error belongs to an inode, not to a write. After one, the range is written
 * out and dropped from the page cache, so that nothing can write these bytes any
 * more and a reader sees what the disk has; then it is read from the device with
 * O_DIRECT and compared with the program's memory. Only bytes that are all there are a
 * success; what cannot be read, or is not known to be where, stays an error. Blocks of zeros, as
 * which a block reads that was never written, count where FIEMAP shows a written extent.
 *
 * The openings for it are mirrors in the thread's ring (mirror.h). No lock.
 */
#ifndef WT_READBACK_H
#define WT_READBACK_H

#include "engine/engine.h"

/*
 * What the write returns that ended with `err` (-errno): the bytes that it copied (all that it was
 * given, where outcome->copied does not say) if they are where the level wants them, else err. For
 * `dsync` and above the range is then synced once more, as the first sync may have ended with the
 * error.
 */
ssize_t wt_readback(const struct wt_target *target, const struct wt_io *io, ssize_t err,
		    const struct wt_outcome *outcome);

/*
 * Whether the bytes of the write, at outcome->start, are on the device now; or in the page
 * cache. Changes nothing; false where it cannot be known.
 */
bool wt_readback_is_on_disk(const struct wt_target *target, const struct wt_io *io,
			    const struct wt_outcome *outcome);
bool wt_readback_was_copied(const struct wt_target *target, const struct wt_io *io,
			    const struct wt_outcome *outcome);

#endif
