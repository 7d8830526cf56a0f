/* SPDX-License-Identifier: MIT */
/*
 * core - the one path that every write takes: look up, choose, write, account.
 *
 * Returns a value or -errno; nothing here sets errno for the program. No lock.
 */
#ifndef WT_CORE_H
#define WT_CORE_H

#include "base/reason.h"
#include "os/io.h"
#include "state/fdtable.h"

/* Writes `io` as the descriptor's verdict, which may be unknown, wants it. Bytes or -errno. */
ssize_t wt_core_write(const struct wt_io *io, union wt_verdict verdict);

/*
 * Before a descriptor with a verdict is closed: waits for what `async` still has
 * on its way and forgets the verdict. 0, or the -errno that close has to return
 * although the descriptor is gone.
 */
int wt_core_closing(int fd, union wt_verdict verdict);

/*
 * Makes a sync that the program asked for on a descriptor under a rule. 0 or -errno: the kernel's,
 * or the error that a write took out of the kernel's record (description.h). An fdatasync
 * under fsync=elide is left out where it has nothing to do (elide.h).
 */
int wt_core_sync(const struct wt_sync *sync, union wt_verdict verdict);

/*
 * Brings all of a file under a rule to its level, which at `async` is to start it, for a change
 * that was no write: what the wait takes out of the kernel's record is owed to the program's own
 * syncs. 0 or -errno.
 */
int wt_core_settle(int fd, union wt_verdict verdict);

/* A file under a rule was changed in such a way, or will be: for the report, and for fsync=elide.
 */
void wt_core_noticed(int fd, enum wt_way way);

/* The description of fd, or those of all files under a rule, come into the hands of what libwt does
 * not see (description.h). */
void wt_core_sharing(int fd);
void wt_core_sharing_all(void);

/* Descriptors are about to be closed at once, both ends included. */
void wt_core_closing_range(unsigned int first, unsigned int last);

/* Another program is about to be executed: it inherits what is not close-on-exec. */
void wt_core_executing(void);

/* The process is about to end: its rings let go of their files. */
void wt_core_leaving(void);

/* The process is about to end: writes the report, once. */
void wt_core_report(void);

/* It is about to lose its stderr: a report that would go there is written now. */
void wt_core_stderr_closing(void);

/*
 * The calling thread asks for a mode in which it may only write: what is known to be under a rule
 * is told as not covered, and where no other thread is there to do it later, the report is written.
 */
void wt_core_confining(void);

#endif
