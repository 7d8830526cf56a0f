/* SPDX-License-Identifier: MIT */
/*
 * vfork_child - what a child that runs in this process's memory did to descriptors of its own.
 *
 * A child of vfork(2), or of clone(2) with CLONE_VM and without CLONE_FILES, sees its parent's
 * verdicts, but its descriptors are its own: what it closes or puts under a number, its parent
 * still has as before. So the first change gives the child a place, with entries of its own for the
 * numbers that it changes. Each other number means to it what it means to the process. Once the
 * entries are used up, every other number is looked up anew on each write.
 *
 * Nothing here blocks or allocates. A place is taken by compare-and-swap, is changed by its vfork
 * child alone, and is freed when that child executes or ends; if it was killed, the process frees
 * the place. While any place is taken, wt_apart is not 0.
 */
#ifndef WT_VFORK_CHILD_H
#define WT_VFORK_CHILD_H

#include <stdbool.h>

#include "state/fdtable.h"

struct wt_vfork_child;

/*
 * Receives what a forked process inherits from a vfork child's place: the entry of fd, or NULL if
 * nothing is known of it; with fd -1, nothing is known of any number.
 */
typedef void wt_vfork_child_inherit(int fd, const struct wt_fd *entry);

/*
 * The place whose descriptors the caller sees; NULL: those of the process. In a forked process,
 * what it has inherited goes to `inherit` first.
 */
struct wt_vfork_child *wt_vfork_child_self(wt_vfork_child_inherit *inherit);

/*
 * The same for a caller that changes what a number means: a vfork child is given a place. NULL for
 * a caller that shares the process's descriptors, as its threads do.
 */
struct wt_vfork_child *wt_vfork_child_changing(void);

/*
 * The vfork child's own entry of a number, or NULL. The number then means what it means in the
 * process, or, if the place is full, nothing is known of it.
 */
struct wt_fd *wt_vfork_child_entry(struct wt_vfork_child *vfork_child, int fd);

/* Whether the entries of the place are used up. */
bool wt_vfork_child_is_full(const struct wt_vfork_child *vfork_child);

/* The same, made if there is none; NULL if there is no room. */
struct wt_fd *wt_vfork_child_entry_made(struct wt_vfork_child *vfork_child, int fd);

/* Whether the calling vfork child may share the process's descriptors: kcmp(2) does not tell. */
bool wt_vfork_child_may_share(void);

/* Called before clone(2) with these flags makes a child that runs in this memory. */
void wt_vfork_child_cloning(unsigned long flags);

/* Called before the caller executes a program or ends: frees its place. */
void wt_vfork_child_leave(void);

/* Called if the caller could not execute: the place is its own again. errno stays as it is. */
void wt_vfork_child_return(void);

#endif
