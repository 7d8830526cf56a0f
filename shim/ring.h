/* SPDX-License-Identifier: MIT */
/*
 * ring - a thread's io_uring for O_DIRECT writes, without a descriptor.
 *
 * Each thread that needs one has a ring of its own, made on its first direct
 * write: registered with the task, its descriptor closed, so that the program
 * cannot see, close or collide with it (io_uring_register_ring_fd(3)). It holds
 * mirrors, registered O_DIRECT openings of files, and a registered bounce
 * buffer.
 *
 * Locking: none. A ring is used by the thread that made it, with its signals
 * held off from take to give, as they are in a write(2) of a file; a vfork child
 * goes without.
 * After fork the child finds an empty one (MADV_WIPEONFORK) and makes its own:
 * the kernel keeps registered rings to the task. A thread that ends leaves its
 * mappings behind; the next thread that makes a ring takes them down.
 *
 * Mirrors are told apart by device and inode number. A mirror holds its inode,
 * so the numbers cannot come to mean another file while it is registered, and a
 * deleted file keeps its space until the thread drops the mirror.
 */
#ifndef WT_RING_H
#define WT_RING_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/stat.h>
#include <sys/types.h>

#include "reason.h"

struct wt_ring;

#define WT_BOUNCE_BYTES (64u << 10)

/* The thread's ring, for one write, signals held until it is given back; NULL with *why set. */
struct wt_ring *wt_ring_take(enum wt_reason *why);
void wt_ring_give(struct wt_ring *ring);

/* Whether this thread is in the middle of a write through its ring: then it is a signal handler. */
bool wt_ring_is_busy(void);

/*
 * The slot of the mirror of the file behind fd, which wt_sys.identify described as st;
 * opened through /proc/thread-self/fd and verified where there is none yet. Or -errno
 * of that opening, with *why set.
 */
int wt_ring_mirror(struct wt_ring *ring, int fd, const struct stat *st, enum wt_reason *why);

/* The bounce buffer, WT_BOUNCE_BYTES aligned to pages; NULL without memory. */
void *wt_ring_bounce(struct wt_ring *ring);

/*
 * Writes through a mirror, RWF_* flags as given, and waits. `buf` may be the
 * bounce buffer or the program's own memory. Bytes or -errno; -EIO where the
 * ring broke after the write was handed over, so that nothing is known.
 * -ECANCELED: the write was never handed over.
 */
ssize_t wt_ring_write(struct wt_ring *ring, int mirror, const void *buf, size_t len, off_t offset,
		      int flags);

/* A file that may have had mirrors was closed: each ring drops all of its own when next used. */
void wt_ring_file_closed(void);

/* Drops this thread's mirror of the file at once, so that it can be executed or unmounted. */
void wt_ring_drop(const struct stat *st);

#endif
