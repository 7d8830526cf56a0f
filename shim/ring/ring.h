/* SPDX-License-Identifier: MIT */
/*
 * ring - a thread's io_uring, without a descriptor.
 *
 * Each thread that needs a ring makes one of its own. It is registered with the task and its
 * descriptor is closed, so that the program cannot see it, close it or collide with it
 * (io_uring_register_ring_fd(3)). A ring owns its openings of files (mirror.h) and a bounce buffer.
 * No ring is asked for before one is needed, and after a refusal never again.
 *
 * Locking: none. A ring is used only by the thread that made it, with its signals held off from
 * take to give, as they are in a write(2) to a file. A vfork child has no ring. After a fork the
 * child finds an empty one (MADV_WIPEONFORK) and makes its own, since the kernel ties a registered
 * ring to its task. A thread that ends frees its ring. The ring of a thread that was killed, or
 * that runs no destructors (mirror.h), is freed when the next ring is made.
 */
#ifndef WT_RING_H
#define WT_RING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/reason.h"

struct io_uring_sqe;
struct wt_ring;

#define WT_BOUNCE_BYTES (64u << 10)

/* What a mirror is for. */
enum wt_mirror_kind {
	WT_MIRROR_WRITE,   /* O_DIRECT, to write */
	WT_MIRROR_READ,	   /* O_DIRECT, to read */
	WT_MIRROR_PRIVATE, /* through the cache, to wait on */
	WT_MIRROR_KINDS
};

/* One of the ring's registered files; written by mirror.c only. */
struct wt_mirror {
	bool open;
	enum wt_mirror_kind kind;
	uint32_t opening;  /* the number of this opening (wt_mirror_opening) */
	uint32_t closings; /* closings of its file when it was opened */
	dev_t dev;
	ino_t ino;
};

#define WT_MIRRORS 32

struct wt_mirrors {
	unsigned int next; /* the slot to replace next */
	/* The count of all files' closings when the slots were last checked against it. */
	unsigned int closings;
	uint32_t openings;
	struct wt_mirror slots[WT_MIRRORS];
};

/*
 * Takes the thread's ring for one write, and makes it if need be. Signals are held off until it is
 * given back. NULL with *why set.
 */
struct wt_ring *wt_ring_take(enum wt_reason *why);
void wt_ring_give(struct wt_ring *ring);

/* The same, only if the thread has a ring that works; else NULL. */
struct wt_ring *wt_ring_take_made(void);

/* Whether io_uring is known to be refused to this process. `ask`: finds out now, if that can be. */
bool wt_ring_is_refused(bool ask);

/* Whether this thread has taken its ring: then the caller is in a signal handler. */
bool wt_ring_is_busy(void);

/*
 * For the search for the program's own rings (core/program_ring.h): how many rings libwt has begun
 * to make, and whether one of them has a descriptor now.
 */
uint32_t wt_ring_begun(void);
bool wt_ring_has_descriptor(void);

/* Frees the ring of the calling thread, which is about to end. */
void wt_ring_end(void);

/*
 * Keeps the ring, and so its mirrors, although the thread is about to end. False if so many rings
 * are kept already that this one has to go.
 */
bool wt_ring_keep(struct wt_ring *ring);

/* Frees those kept rings for whose mirrors may_close is true; it is passed `closing`. */
void wt_ring_end_kept(bool (*may_close)(const struct wt_mirrors *mirrors, int closing),
		      int closing);

/* The ring's mirrors, for mirror.c. */
struct wt_mirrors *wt_ring_mirrors(struct wt_ring *ring);

/* The bounce buffer: WT_BOUNCE_BYTES, aligned to pages; NULL without memory. */
void *wt_ring_bounce(struct wt_ring *ring);

/* Whether `buf` is the bounce buffer and registered with the ring (buffer 0). */
bool wt_ring_is_registered(const struct wt_ring *ring, const void *buf);

/* An empty request. To be prepared, and run before the ring is given back. */
struct io_uring_sqe *wt_ring_request(struct wt_ring *ring);

/*
 * Submits the prepared request and waits for its result, however often the wait ends early. The
 * result or -errno; -ECANCELED if the request was never submitted; -ESTALE if the ring broke after
 * that, so that its result is not known.
 */
int wt_ring_run(struct wt_ring *ring, struct io_uring_sqe *sqe);

#endif
