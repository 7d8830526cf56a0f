/* SPDX-License-Identifier: MIT */
/*
 * pending_error - writeback errors that the program's own fsync is still to be told.
 *
 * The kernel tells a writeback error once to each open file description, and to what is opened
 * before somebody was told (errseq, Documentation/core-api/errseq.rst). A wait of libwt's on
 * the program's description takes that telling, and one on a private opening marks the error as
 * seen. So the error is kept here: by the number of the description it was taken from, and by the
 * file for what is opened later.
 *
 * A file is told by device, inode number and time of birth: the number alone may pass to
 * another. Memory shared with every process forked from here on; atomics only, no lock. Where there
 * are too many errors for it, that is logged.
 */
#ifndef WT_PENDING_ERROR_H
#define WT_PENDING_ERROR_H

#include <stdbool.h>
#include <stdint.h>

/* Maps the memory. 0 or -errno; without it errors are kept within the process. */
int wt_pending_error_init(void);

/* Whether anything was ever kept: nothing below needs to be asked before that. */
bool wt_pending_error_any(void);

/* An error (-errno) for the next fsync of the description, if that has a number; the latest counts.
 */
void wt_pending_error_keep(uint64_t description, int err);

/* The same for whatever opens the file behind fd until an fsync of it was told. */
void wt_pending_error_keep_for_later(int fd, int err);

/* fd was opened just now, as this description. */
void wt_pending_error_opened(int fd, uint64_t description);

/*
 * The last descriptor of the description that this process knows of is closed. Another process may
 * have more: so what it is owed is forgotten only where its place is needed.
 */
void wt_pending_error_closed(uint64_t description);

/*
 * What an fsync of fd is to be told: taken, once, for the description, or, where that has no
 * number (0) because its opening was not seen, for whoever asks first. -errno or 0.
 */
int wt_pending_error_take(int fd, uint64_t description);

/* An fsync of the file behind fd was told an error: what is opened from here on is not. */
void wt_pending_error_told(int fd);

#endif
