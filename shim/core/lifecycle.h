/* SPDX-License-Identifier: MIT */
/*
 * lifecycle - what happens to descriptors and to the process other than writes and syncs: closings,
 * the execution of a program, the end.
 *
 * Nothing here sets errno for the program. No lock.
 */
#ifndef WT_LIFECYCLE_H
#define WT_LIFECYCLE_H

#include "state/fdtable.h"

/*
 * Before a descriptor with a verdict is closed: waits for what `async` still has
 * on its way and forgets the verdict. 0, or the -errno that close has to return
 * although the descriptor is gone.
 */
int wt_core_closing(int fd, union wt_verdict verdict);

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
