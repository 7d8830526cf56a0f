/* SPDX-License-Identifier: MIT */
/*
 * suspect - files with a write error under investigation.
 *
 * Until the pages that failed have left the cache, the kernel may take a block for written that is
 * not: ext4 (6.18) writes such a page again, when a neighbour has dirtied it, without making its
 * unwritten extent a written one, and returns success. So while an error of a file is investigated,
 * successes of other writes to it are checked as well (core/attribution.c).
 *
 * The counts are in the table of inodes (inode.h). Atomics only, no lock.
 */
#ifndef WT_SUSPECT_H
#define WT_SUSPECT_H

#include <stdbool.h>
#include <stdint.h>

/*
 * Begins, and ends, the investigation of a failed write to the file (wt_inode_hash). It counts for
 * a minute at most, since a process may be killed in the middle of it.
 */
void wt_suspect_begin(uint64_t file);
void wt_suspect_end(uint64_t file);

/* The state of a file before a write; and whether the file was suspect at any time since then. */
uint32_t wt_suspect_of(uint64_t file);
bool wt_suspect_since(uint64_t file, uint32_t before);

#endif
