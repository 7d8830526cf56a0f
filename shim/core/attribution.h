/* SPDX-License-Identifier: MIT */
/*
 * attribution - each write's own answer, though the kernel keeps one record of errors for all.
 *
 * A write through the cache either has the claim to wait on its description
 * (description.h), or it waits on a private opening. Told success, its bytes are there: nobody else
 * could have been told of their loss. Told an error, or in doubt, the disk is asked
 * (readback.h). What a wait on the program's description was told is owed to its fsync.
 */
#ifndef WT_ATTRIBUTION_H
#define WT_ATTRIBUTION_H

#include "engine/engine.h"

/* The write by this engine: bytes, -errno or WT_DECLINED, as struct wt_engine says. */
ssize_t wt_attribution_write(const struct wt_engine *engine, struct wt_target *target,
			     const struct wt_io *io, uint64_t description);

/* The same in the file's turn, for one that comes after a direct engine has declined
 * (dio_exclusion.h). */
ssize_t wt_attribution_write_excluded(const struct wt_engine *engine, struct wt_target *target,
				      const struct wt_io *io, uint64_t description);

#endif
