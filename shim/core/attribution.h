/* SPDX-License-Identifier: MIT */
/*
 * attribution - each write's own answer, though the kernel keeps one record of errors for all.
 *
 * A write through the cache either has the claim to wait on its description
 * (description.h), or it waits on a private opening. Told success, its bytes are there: nobody else
 * could have been told of their loss. Told an error, or in doubt, the disk is asked
 * (readback.h). What a wait on the program's description was told is kept for its next fsync
 * (pending_error.h).
 */
#ifndef WT_ATTRIBUTION_H
#define WT_ATTRIBUTION_H

#include "engine/engine.h"

/*
 * The write by this engine: bytes, -errno or WT_DECLINED, as struct wt_engine says.
 * `beside_direct`: an engine that bypasses the cache has declined it, so it excludes those direct
 * writes of the file (dio_exclusion.h).
 */
ssize_t wt_attribution_write(const struct wt_engine *engine, const struct wt_target *target,
			     const struct wt_io *io, bool beside_direct,
			     struct wt_outcome *outcome);

#endif
