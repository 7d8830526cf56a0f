/* SPDX-License-Identifier: MIT */
/*
 * attribution - gives each write its own result, though the kernel keeps one record of errors for
 * all.
 *
 * A write through the cache waits alone on its description (description.h), or on a private opening
 * (private_open.h). If that wait succeeds its bytes are there, as no other wait can have taken the
 * error of their loss. After an error, or in doubt, they are read back (readback.h). An error that
 * a wait took from the program's description is kept for its next fsync (pending_error.h).
 *
 * The state of a write lies on its stack. No lock of its own; the waits are registered by waiter.h.
 * Which engine writes is decided elsewhere (write.c).
 */
#ifndef WT_ATTRIBUTION_H
#define WT_ATTRIBUTION_H

#include "engine/engine.h"

/*
 * Carries out the write by this engine: bytes, -errno or WT_DECLINED, as struct wt_engine says.
 * `beside_direct`: an engine that bypasses the cache has declined it, so it excludes direct writes
 * of the file (dio_exclusion.h).
 */
ssize_t wt_attribution_write(const struct wt_engine *engine, const struct wt_target *target,
			     const struct wt_io *io, bool beside_direct,
			     struct wt_outcome *outcome);

#endif
