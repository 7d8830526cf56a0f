/* SPDX-License-Identifier: MIT */
/*
 * elide - whether an fdatasync has nothing left to do (fsync=elide).
 *
 * At `dsync` and `sync` every write that libwt sees is stable when it returns. So after one
 * fdatasync or fsync that was carried out, the next fdatasync has nothing to do as long as nothing
 * else happened to the file and no page of it is dirty. What happens and may not be stable is
 * counted as a doubt: a failed write, a truncation, an allocation. The next sync that is carried
 * out ends it. A writable mapping, a stream or a way around libwt cannot be watched and is a doubt
 * for good.
 *
 * The counts lie in the table of inodes (inode.h), which forked processes share. What other
 * processes do is seen only as dirty pages. Without shared memory no sync is left out. Atomics
 * only, no lock. The caller leaves the sync out (core/sync.c).
 */
#ifndef WT_ELIDE_H
#define WT_ELIDE_H

#include <stdbool.h>
#include <stdint.h>

/* Notes that something was done to the file behind fd that may not be stable. */
void wt_elide_doubt(int fd);

/* Notes the same for good: no sync of the file is left out any more. */
void wt_elide_never(int fd);

/* The state of a file before a sync of it. */
struct wt_elide {
	uint64_t file; /* wt_inode_hash; 0: not known */
	uint64_t doubts;
};

/* Whether a sync of the file behind fd has nothing left to do. Fills *asked for wt_elide_synced. */
bool wt_elide_ask(struct wt_elide *asked, int fd);

/* Notes that the sync that was asked about was carried out and succeeded. */
void wt_elide_synced(const struct wt_elide *asked);

#endif
