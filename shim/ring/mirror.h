/* SPDX-License-Identifier: MIT */
/*
 * mirror - a file of the program's, opened once more in the thread's ring.
 *
 * A mirror never has a descriptor number, since closing one would take away every POSIX record lock
 * that the process holds on the file (fcntl(2); filp_close in fs/open.c). Mirrors are identified by
 * device and inode number. As an open mirror holds its inode, these numbers cannot come to mean
 * another file. A deleted file keeps its space until the thread drops the mirror: with the last
 * closing of the file, or when it next uses its ring after that.
 *
 * A thread that ends drops its mirrors, but not those that write to a file which the process still
 * has open: their closing would tell whoever watches the file that it is complete (wt_ring_keep,
 * ring.h).
 *
 * A mirror belongs to its ring. Locking: as the ring's (ring.h); the caller has taken the ring.
 */
#ifndef WT_MIRROR_H
#define WT_MIRROR_H

#include <sys/stat.h>

#include "os/io.h"
#include "ring/ring.h"

/*
 * The slot of the mirror of the file behind fd, which wt_sys.identify described as *st. If there is
 * no mirror yet it is opened through /proc and verified. Or the -errno of that opening, with *why
 * set; -EINVAL if the file is not a regular file.
 */
int wt_mirror_get(struct wt_ring *ring, enum wt_mirror_kind kind, int fd, const struct stat *st,
		  enum wt_reason *why);

/* A number for the opening in the slot, which no other of this ring has; 0 if there is none. */
uint32_t wt_mirror_opening(struct wt_ring *ring, int slot);

/*
 * Writes or reads `len` bytes at `offset`, with the RWF_* flags as given. The buffer is the bounce
 * buffer or the program's own memory. Bytes or -errno, as wt_ring_run.
 */
ssize_t wt_mirror_write(struct wt_ring *ring, int slot, const void *buf, size_t len, off_t offset,
			int flags);
ssize_t wt_mirror_read(struct wt_ring *ring, int slot, void *buf, size_t len, off_t offset);

/* As sync_file_range(2) with all three flags. 0 or -errno. */
int wt_mirror_sync_range(struct wt_ring *ring, int slot, struct wt_range range);

/* As fsync(2), or with `datasync` as fdatasync(2), of a range. 0 or -errno. */
int wt_mirror_sync(struct wt_ring *ring, int slot, struct wt_range range, bool datasync);

/* Drops all of the thread's mirrors. Called before the thread, or its process, ends. */
void wt_mirror_leave(void);

/*
 * Gives back the pthread key by which the end of a thread is noticed, as the program wants every
 * key that there is. From then on what a thread leaves behind is freed when the next ring is made.
 * False if libwt has no key.
 */
bool wt_mirror_give_key(void);

/* Drops the thread's mirrors of the file at once. */
void wt_mirror_drop(struct wt_ring *ring, const struct stat *st);

/*
 * Called before a descriptor is closed. If it is the last one of its file that this process is
 * known to have, rings drop their mirrors of the file: this thread's ring, and those of threads
 * that have ended, at once; the others when their thread next uses them.
 */
void wt_mirror_closing(int fd);

#endif
