/* SPDX-License-Identifier: MIT */
/*
 * uncovered_child - the programs that this process executes and in which libwt covers nothing.
 *
 * Each is reported when it is executed: in the log once for a program and a reason, and in the
 * report with a count. A forked child that only executes has no report of its own. What it found is
 * kept for its parent, in memory that both share (shared.h); before that is mapped, in this
 * process's own. What is known of a program's file is kept in one word, so that a file is read
 * once.
 *
 * No lock and no allocation; safe in a vfork child, which counts for its parent.
 */
#ifndef WT_UNCOVERED_CHILD_H
#define WT_UNCOVERED_CHILD_H

#include <stdbool.h>

#include "os/program.h"
#include "state/environment.h"

struct wt_uncovered_child {
	struct wt_program_at at;
	bool searches; /* the path is looked for in PATH, as by execvp(3) */
	bool replaces; /* it replaces this process, and does not run in a new one */
	char *const *argv;
	enum wt_lack lacks; /* what the environment that it is given lacks */
};

/* Maps the shared table. 0 or -errno; without it the table is this process's own. */
int wt_uncovered_child_init(void);

/* Called before this process forks. */
void wt_uncovered_child_forking(void);

enum {
	/* With libwt in its LD_PRELOAD the program would not start. */
	WT_UNCOVERED_CHILD_LEAVE_OUT = 1,
	/* This process has to write its report now, because the program replaces it. */
	WT_UNCOVERED_CHILD_REPORT = 2,
};

/*
 * Looks at a program that is about to be executed, and reports it if it will not be covered. A
 * program that the kernel will refuse to execute is not reported. Returns some of the flags above.
 */
unsigned int wt_uncovered_child_executing(const struct wt_uncovered_child *child);

/* Called before a report: counts what children have left for this process. */
void wt_uncovered_child_collect(void);

#endif
