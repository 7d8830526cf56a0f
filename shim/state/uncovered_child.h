/* SPDX-License-Identifier: MIT */
/*
 * uncovered_child - the programs that this process executes and in which libwt covers nothing.
 *
 * Each is told when it is executed: once for a program and a reason in the log, and with a count in
 * the report. A forked child that only executes has no report of its own, so what it found is kept
 * for its parent, in memory that both share (shared.h); before that is mapped, in this process's
 * own. What is known of a program's file is kept as one word a file, so that a file is read once.
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
	bool replaces; /* in this process, not in one that is made for it */
	char *const *argv;
	enum wt_lack lacks; /* the environment that it is given */
};

/* For family.c. 0 or -errno. */
int wt_uncovered_child_init(void);

/* This process is about to fork. */
void wt_uncovered_child_forking(void);

enum {
	WT_UNCOVERED_CHILD_LEAVE_OUT = 1, /* with libwt in its LD_PRELOAD it would not start */
	WT_UNCOVERED_CHILD_REPORT = 2,	  /* this process has to report now: it ends for libwt */
};

/*
 * Looks at what is about to be executed and tells where it will not be covered; of what the kernel
 * will refuse to execute, nothing. Some of the flags above.
 */
unsigned int wt_uncovered_child_executing(const struct wt_uncovered_child *child);

/* Before a report: counts what children have left for this process. */
void wt_uncovered_child_collect(void);

#endif
