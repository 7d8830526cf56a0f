/* SPDX-License-Identifier: MIT */
/*
 * readback - whether the bytes of one write are on the disk, when its wait does not show that.
 *
 * A writeback error belongs to an inode and not to a write. After one, the range is written out and
 * dropped from the page cache, so that nothing can write these bytes any more and a reader sees
 * what the disk has. Then it is read from the device with O_DIRECT and compared with the program's
 * memory. The write succeeded if all its bytes are there. If they cannot be read, or it is not
 * known where they went, the error stays. Blocks of zeros count only where FIEMAP shows a written
 * extent, because a block that was never written reads as zeros too.
 *
 * The openings are mirrors in the thread's ring (mirror.h). No lock. Which writes to check is
 * decided elsewhere (attribution.h).
 */
#ifndef WT_READBACK_H
#define WT_READBACK_H

#include "engine/engine.h"

/*
 * The result of a write that ended with `err` (-errno): the bytes that it copied (all that it was
 * given, if outcome->copied does not say) if they are where the level wants them, else err. For
 * `dsync` and above the range is synced once more, as the first sync may have ended with the error.
 */
ssize_t wt_readback(const struct wt_target *target, const struct wt_io *io, ssize_t err,
		    const struct wt_outcome *outcome);

/*
 * Whether the bytes of the write, at outcome->start, are on the device now. Changes nothing; false
 * if that cannot be found out.
 */
bool wt_readback_is_on_disk(const struct wt_target *target, const struct wt_io *io,
			    const struct wt_outcome *outcome);
/* The same of the page cache. */
bool wt_readback_was_copied(const struct wt_target *target, const struct wt_io *io,
			    const struct wt_outcome *outcome);

#endif
