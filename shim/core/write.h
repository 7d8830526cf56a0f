/* SPDX-License-Identifier: MIT */
/*
 * write - the one path that every write takes: look up, choose, write, account.
 *
 * Nothing here sets errno for the program. Owns nothing, no lock.
 */
#ifndef WT_CORE_WRITE_H
#define WT_CORE_WRITE_H

#include "os/io.h"
#include "state/fdtable.h"

/* Writes `io` as its descriptor's verdict wants; an unknown one is looked up. Bytes or -errno. */
ssize_t wt_core_write(const struct wt_io *io, union wt_verdict verdict);

/*
 * Writes `io`, a pwritev2, which has RWF_WRITETHROUGH among its flags: at `through`, with RWF_DSYNC
 * at `dsync`, with RWF_SYNC at `sync`, or at the level of the descriptor's rule where that is
 * stronger. Bytes or -errno: EOPNOTSUPP where the file cannot be written through (no regular file,
 * no disk, a mount that keeps no sync), EINVAL with RWF_NOWAIT or RWF_DONTCACHE, what the kernel
 * says of any other flag.
 */
ssize_t wt_core_write_through(const struct wt_io *io, union wt_verdict verdict);

#endif
