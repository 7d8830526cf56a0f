/* SPDX-License-Identifier: MIT */
/*
 * pending_error - writeback errors that the program's own fsync has still to return.
 *
 * The kernel reports a writeback error once to each open file description: to those that were open,
 * and to those opened before anybody has seen it (errseq, Documentation/core-api/errseq.rst). A
 * wait of libwt's on the program's description takes that report, and one on a private opening
 * marks the error as seen. So the error is kept here: under the number of the description whose
 * report was taken, and under the file for descriptions opened later.
 *
 * A file is identified by device, inode number and time of birth, since the number may pass to
 * another file. The tables are in memory shared with every process forked from here on; atomics
 * only, no lock. If there are more errors than fit, that is logged.
 */
#ifndef WT_PENDING_ERROR_H
#define WT_PENDING_ERROR_H

#include <stdbool.h>
#include <stdint.h>

/* Maps the tables. 0 or -errno; without them errors are kept within the process. */
int wt_pending_error_init(void);

/* Whether any error was ever kept: before that, no function below needs to be called. */
bool wt_pending_error_any(void);

/*
 * Keeps an error (-errno) for the next fsync of the description, in place of an earlier one.
 * Nothing is kept for number 0.
 */
void wt_pending_error_keep(uint64_t description, int err);

/*
 * Keeps it for each description that is opened for the file behind fd, until an fsync of the file
 * has returned an error.
 */
void wt_pending_error_keep_for_later(int fd, int err);

/*
 * Called after fd was opened as this description, for which an error of the file is then pending.
 */
void wt_pending_error_opened(int fd, uint64_t description);

/*
 * Called before this process closes the last descriptor that it knows of the description. Another
 * process may have one too, so a pending error is dropped only when its place is needed.
 */
void wt_pending_error_closed(uint64_t description);

/*
 * The error that an fsync of fd has to return, -errno or 0. It is taken once for the description.
 * If that has no number (0), because libwt did not see it opened, the error is the file's, which
 * goes to whoever asks first.
 */
int wt_pending_error_take(int fd, uint64_t description);

/*
 * Called when an fsync of the file behind fd has returned an error: descriptions that are opened
 * from then on do not get it.
 */
void wt_pending_error_told(int fd);

#endif
