/* SPDX-License-Identifier: MIT */
/*
 * lifecycle - what happens to descriptors and to the process besides writes and syncs: closings,
 * the execution of a program, the end.
 *
 * Called by the edges before the event. Owns nothing, no lock; nothing here sets errno for the
 * program.
 */
#ifndef WT_LIFECYCLE_H
#define WT_LIFECYCLE_H

#include "state/fdtable.h"

/*
 * Called before a descriptor with a verdict is closed: waits for what `async` still has under way,
 * and forgets the verdict. 0, or the -errno that close has to return although the descriptor is
 * closed.
 */
int wt_core_closing(int fd, union wt_verdict verdict);

/* Called before all descriptors from first to last, both included, are closed at once. */
void wt_core_closing_range(unsigned int first, unsigned int last);

/* Called before a program is executed, which inherits descriptors that are not close-on-exec. */
void wt_core_executing(void);

/* Called before the process ends: its rings close their openings of files. */
void wt_core_leaving(void);

/* Called before the process ends: writes the report, once. */
void wt_core_report(void);

/* Called before stderr is closed: writes a report now that would go there. */
void wt_core_stderr_closing(void);

/*
 * Called before the calling thread enters a mode in which it may only write (seccomp's strict
 * mode). Files under a rule are reported as not covered, and if no other thread can do so later the
 * report is written.
 */
void wt_core_confining(void);

#endif
