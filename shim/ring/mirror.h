/* SPDX-License-Identifier: MIT */
/*
 * mirror - a file of the program's, opened once more in the thread's ring.
 *
 * Mirrors never have a descriptor number: closing one would take away every POSIX
 * record lock that the process holds on the file (fcntl(2), filp_close in
 * fs/open.c). They are told apart by device and inode number. A mirror holds its
 * inode, so the numbers cannot come to mean another file while it is open, and a
 * deleted file keeps its space until the thread drops the mirror: with the last closing of the
 * file, or when it next uses its ring after that. A thread that ends drops its mirrors, but not
 * those that write to a file which the process still has open: the closing would tell who watches
 * that the file is complete (ring.h, wt_ring_keep).
 *
 * Locking: as the ring's (ring.h), taken by the caller.
 */
#ifndef WT_MIRROR_H
#define WT_MIRROR_H

#include <sys/stat.h>

#include "os/io.h"
#include "ring/ring.h"

/*
 * The slot of the mirror of the file behind fd, which wt_sys.identify described as st;
 * opened through /proc/thread-self/fd and verified where there is none yet. Or -errno
 * of that opening, with *why set; -EINVAL for what is not a regular file.
 */
int wt_mirror_get(struct wt_ring *ring, enum wt_mirror_kind kind, int fd, const struct stat *st,
		  enum wt_reason *why);

/* Which opening it is that the slot holds now; never 0. 0 where it holds none. */
uint32_t wt_mirror_opening(struct wt_ring *ring, int slot);

/*
 * Reads and writes (RWF_* flags as given). The buffer may be the bounce buffer or the
 * program's own memory. Bytes or -errno, as wt_ring_run.
 */
ssize_t wt_mirror_write(struct wt_ring *ring, int slot, const void *buf, size_t len, off_t offset,
			int flags);
ssize_t wt_mirror_read(struct wt_ring *ring, int slot, void *buf, size_t len, off_t offset);

/* sync_file_range(2) with all three flags. 0 or -errno. */
int wt_mirror_sync_range(struct wt_ring *ring, int slot, struct wt_range range);

/* fsync(2), or fdatasync(2), of a range with what metadata it needs. 0 or -errno. */
int wt_mirror_sync(struct wt_ring *ring, int slot, struct wt_range range, bool datasync);

/* Drops all of the thread's mirrors: it, or its process, is about to end. */
void wt_mirror_leave(void);

/*
 * The pthread key by which a thread's end is noticed, given back: the program wants all there are.
 * From then on what threads leave behind is taken down with the next ring. False without one.
 */
bool wt_mirror_give_key(void);

/* Lets go of the thread's mirrors of the file at once. */
void wt_mirror_drop(struct wt_ring *ring, const struct stat *st);

/*
 * A descriptor is about to be closed. With the last one that this process is known to have of its
 * file rings drop their mirrors of it: this thread's, and those of threads that have ended, at
 * once; others when their thread next uses them.
 */
void wt_mirror_closing(int fd);

#endif
