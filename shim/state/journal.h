/* SPDX-License-Identifier: MIT */
/*
 * journal - whether a file system can still commit, asked after a sync of it has returned success.
 *
 * When a write to the journal (ext4), the log (XFS) or a transaction (btrfs) fails, the file system
 * stops for good. The failure is reported only to those who wait for that commit just then. A later
 * sync finds nothing left to wait for and returns success, though what it was to make stable is
 * lost (jbd2_complete_transaction, fs/jbd2/journal.c; xfs_fsync_flush_log, fs/xfs/xfs_file.c). So
 * after a success the file system is asked once more, and the success counts only if the file
 * system is alive.
 *
 * Asking changes nothing. In each file system's entry (filesystem.h) one directory that can be
 * asked is remembered. No lock of libwt's own.
 */
#ifndef WT_JOURNAL_H
#define WT_JOURNAL_H

#include <stdbool.h>

#include "state/filesystem.h"

enum wt_journal_state {
	WT_JOURNAL_LIVES,
	WT_JOURNAL_DIED,
	WT_JOURNAL_SILENT, /* it could not be asked: no permission, or a sandbox refused */
};

/*
 * The state of the file system `fs`, which holds the open file `fd` (O_PATH will do). A kind of
 * file system without a journal counts as alive. `is_direct`: the file is being written with
 * O_DIRECT. Its writers share the inode's lock, and must not be made to queue for it.
 *
 * Costs 0.5 us on btrfs, 1.2 to 1.4 us on ext4 and XFS, there 3 us with `is_direct`.
 */
enum wt_journal_state wt_journal_ask(struct wt_filesystem *fs, int fd, bool is_direct);

/* Whether the file system died. If it could not be asked, the file is reported as not covered. */
bool wt_journal_has_died(struct wt_filesystem *fs, int fd, bool is_direct);

/* Called after a successful sync of any open file: 0, or -EIO if its file system died. */
int wt_journal_confirm(int fd);

/*
 * The same for a file under no rule. Only a directory is asked about, because by its sync a program
 * makes names stable, and only on a file system that has had a file under a rule; else 0.
 */
int wt_journal_confirm_names(int fd);

#endif
