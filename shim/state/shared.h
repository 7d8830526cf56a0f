/* SPDX-License-Identifier: MIT */
/*
 * shared - the memory of processes that are forked from one another.
 *
 * The tables of uncovered_child, description, pending_error and inode are in memory that forked
 * processes share. They are mapped when a process first has a file under a rule, or forks: most
 * processes do neither, and the memory costs the start and the end of a process 15 us. Before that,
 * or for another thread at that very moment, each table behaves as its header says of a table
 * without memory.
 *
 * A child made by a bare clone(2) or _Fork(3) before that shares nothing with its parent, which has
 * had no file to share.
 */
#ifndef WT_SHARED_H
#define WT_SHARED_H

/* Maps the tables with the first call, and logs a failure. Async-signal-safe. */
void wt_shared_begin(void);

#endif
