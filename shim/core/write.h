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

#endif
