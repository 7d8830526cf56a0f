/* SPDX-License-Identifier: MIT */
/*
 * suspect - files of which a write has just failed.
 *
 * Until the pages that failed have left the cache, the kernel may take a block for written
 * that is not: ext4 (6.18) writes such a page again, when a neighbour has dirtied it, without
 * making its unwritten extent a written one, and tells success. So while an error of a
 * file is looked into, what succeeds there is looked into as well.
 *
 * The counts lie in the table of inodes (inode.h). Atomics only, no lock.
 */
#ifndef WT_SUSPECT_H
#define WT_SUSPECT_H

#include <stdbool.h>
#include <stdint.h>

/*
 * A write of the file (wt_inode_hash) has failed, until it has been looked into; for a minute at
 * most, as a process may be killed while it looks.
 */
void wt_suspect_begin(uint64_t file);
void wt_suspect_end(uint64_t file);

/* The state of a file before a write, and whether it was suspect at any time since. */
uint32_t wt_suspect_of(uint64_t file);
bool wt_suspect_since(uint64_t file, uint32_t before);

#endif
