/* SPDX-License-Identifier: MIT */
/*
 * shared - what processes share that are forked from one another.
 *
 * The tables of uncovered_child, description, pending_error and inode lie in memory that forked
 * processes share, and are mapped when a process first has a file under a rule, or forks: most do
 * neither, and the memory costs the start and the end of a process 15 us. What is asked of a table
 * before, or by another thread at that very moment, is answered as its header says of a table
 * without memory.
 *
 * A child made by a bare clone(2) or _Fork(3) before that shares nothing with its parent, which
 * has had no file to share.
 */
#ifndef WT_SHARED_H
#define WT_SHARED_H

/* Maps the tables, once. Async-signal-safe. */
void wt_shared_begin(void);

#endif
