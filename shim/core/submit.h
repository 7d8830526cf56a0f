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
 * Called before such a write is submitted: the RWF_* flag that makes it stable, or 0 if no rule
 * asks for that.
 */
int wt_submit_flag(int fd);

/* Counts a write that was submitted. `row` is WT_ROW_IO_SUBMIT or WT_ROW_IO_URING. */
void wt_submit_count(int fd, enum wt_row_id row, uint64_t bytes);

/* How many bytes a vector of the program's has, as far as it can be read. */
uint64_t wt_submit_vector_bytes(const struct iovec *iov, uint64_t count);

#endif
