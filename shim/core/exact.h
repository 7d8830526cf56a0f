/* SPDX-License-Identifier: MIT */
/*
 * exact - each write's own answer, though the kernel keeps one record of errors for all.
 *
 * A write through the cache either has the claim to wait on its description
 * (description.h), or it waits on a witness. Told success, its bytes are there: nobody else
 * could have been told of their loss. Told an error, or in doubt, the disk is asked
 * (judge.h). What a wait on the program's description was told is owed to its fsync.
 */
#ifndef WT_EXACT_H
#define WT_EXACT_H

#include "engine/engine.h"

/* The write by this engine: bytes, -errno or WT_DECLINED, as struct wt_engine says. */
ssize_t wt_exact_write(const struct wt_engine *engine, struct wt_target *target,
		       const struct wt_io *io, uint64_t description);

/* The same in the file's turn, for one that comes after a direct engine has declined (turn.h). */
ssize_t wt_exact_write_in_turn(const struct wt_engine *engine, struct wt_target *target,
			       const struct wt_io *io, uint64_t description);

#endif
