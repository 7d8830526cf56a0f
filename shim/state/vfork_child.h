/* SPDX-License-Identifier: MIT */
/*
 * vfork child - what a child that runs in this process's memory did to descriptors of its own.
 *
 * A child of vfork(2), or of clone(2) with CLONE_VM and without CLONE_FILES, sees its parent's
 * verdicts, but what it closes or puts under a number stays its own: under that number its parent
 * still has the file that it had. So the first change gives the child a place, with entries of its
 * own for the numbers that it changes; each other number means there what it means in the process.
 * A child whose entries are used up looks at every other number on each write.
 *
 * Nothing here blocks or allocates. A place is taken by compare-and-swap, is changed by its vfork
 * child alone, and is given back when the vfork child executes or ends; of one that was killed, the
 * process takes it back. While any place is taken, wt_apart is not 0.
 */
#ifndef WT_VFORK_CHILD_H
#define WT_VFORK_CHILD_H

#include <stdbool.h>

#include "state/fdtable.h"

struct wt_vfork_child;

/*
 * Of a place that a fork has copied: what fd is in the forked process, or that it is not known
 * (NULL); with fd -1, that no number is known.
 */
typedef void wt_vfork_child_inherit(int fd, const struct wt_fd *entry);

/*
 * The place by which the caller sees descriptors; NULL: as the process does. A forked process gives
 * what it has inherited to `inherit` first.
 */
struct wt_vfork_child *wt_vfork_child_self(wt_vfork_child_inherit *inherit);

/*
 * The same for a caller that changes what a number is, which is given a place if it is a vfork
 * child. NULL for one that shares the process's descriptors, as its threads do.
 */
struct wt_vfork_child *wt_vfork_child_changing(void);

/* The vfork child's own entry for a number, or NULL: it is the process's, or (is_full) not known.
 */
struct wt_fd *wt_vfork_child_entry(struct wt_vfork_child *vfork_child, int fd);
bool wt_vfork_child_is_full(const struct wt_vfork_child *vfork_child);

/* The same, made where there is none; NULL where there is no room. */
struct wt_fd *wt_vfork_child_entry_made(struct wt_vfork_child *vfork_child, int fd);

/* Whether vfork children and process may have the same descriptors, and the kernel does not tell.
 */
bool wt_vfork_child_may_share(void);

/* A child of clone(2) that runs in this memory was asked for with these flags. */
void wt_vfork_child_cloning(unsigned long flags);

/* The caller is about to execute a program or to end. */
void wt_vfork_child_leave(void);

/* It could not. errno stays as it is. */
void wt_vfork_child_return(void);

#endif
