/* SPDX-License-Identifier: MIT */
/*
 * elide - whether an fdatasync has nothing left to do (fsync=elide).
 *
 * Under `dsync` and `sync` every write that libwt sees is stable when it returns. After
 * one fdatasync or fsync that was carried out, the next has nothing to do as long as nothing
 * else happened to the file: no write that failed, no truncation, no allocation, no
 * mapping that can be written through, no stream, no way round libwt; and as long as
 * no page is dirty, by whatever way. What is
 * seen to happen is a doubt, which the next real sync ends; a mapping or a stream, which
 * libwt cannot watch, is one for good.
 *
 * The counts lie in the table of inodes (inode.h), which forked processes share; what other
 * processes do is not seen. Without shared memory no sync is left out. Atomics only, no lock.
 */
#ifndef WT_ELIDE_H
#define WT_ELIDE_H

#include <stdbool.h>
#include <stdint.h>

/* Something was done to the file behind fd that is not known to be stable. */
void wt_elide_doubt(int fd);

/* The same, for as long as these processes live. */
void wt_elide_never(int fd);

/* What is known of a file before a sync of it. */
struct wt_elide {
	uint64_t file; /* hash of its identity; 0: not to be told */
	uint64_t doubts;
};

/* Whether a sync of the file behind fd has nothing left to do. */
bool wt_elide_ask(struct wt_elide *asked, int fd);

/* The sync that was asked about was carried out, and succeeded. */
void wt_elide_synced(const struct wt_elide *asked);

#endif
