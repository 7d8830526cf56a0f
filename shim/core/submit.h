/* SPDX-License-Identifier: MIT */
/*
 * submit - writes that the program hands to the kernel, which carries them out by itself: by
 * io_submit(2) or an io_uring.
 *
 * The kernel is asked to make each of them stable. When and how they end is not seen, so the report
 * has them in rows of their own, as submitted, without errors and times. Owns nothing, no lock.
 */
#ifndef WT_SUBMIT_H
#define WT_SUBMIT_H

#include <stdint.h>
#include <sys/uio.h>

#include "report/stats.h"

/*
 * Called before such a write is submitted: the RWF_* flags that it goes with. RWF_DSYNC or RWF_SYNC
 * is added where the file's rule wants a level; RWF_WRITETHROUGH, which no kernel has, gives way to
 * them, and stays for the kernel to refuse where the file cannot be written through.
 */
int wt_submit_flags(int fd, int flags);

/*
 * Counts a write that was submitted and came from the program with these flags. `row` is
 * WT_ROW_IO_SUBMIT or WT_ROW_IO_URING.
 */
void wt_submit_count(int fd, int flags, enum wt_row_id row, uint64_t bytes);

/* How many bytes a vector of the program's has, as far as it can be read. */
uint64_t wt_submit_vector_bytes(const struct iovec *iov, uint64_t count);

#endif
