/* SPDX-License-Identifier: MIT */
/*
 * ring - a thread's io_uring, without a descriptor.
 *
 * Each thread that needs one has a ring of its own, made when it first does:
 * registered with the task, its descriptor closed, so that the program
 * cannot see, close or collide with it (io_uring_register_ring_fd(3)). It holds
 * openings of files (mirror.h) and a bounce buffer.
 *
 * None is asked for before it is needed, and after a refusal never again.
 *
 * Locking: none. A ring is used by the thread that made it, with its signals
 * held off from take to give, as they are in a write(2) of a file; a vfork child
 * goes without.
 * After fork the child finds an empty one (MADV_WIPEONFORK) and makes its own:
 * the kernel keeps registered rings to the task. A thread that ends takes its own down; what one
 * leaves behind that is killed or has no destructors (mirror.h) goes when the next ring is made.
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

/* One of the ring's registered files; mirror.c's to fill. */
struct wt_mirror {
	bool open;
	enum wt_mirror_kind kind;
	uint32_t opening;  /* tells this opening from others in the slot */
	uint32_t closings; /* of its file, seen when it was opened */
	dev_t dev;
	ino_t ino;
};

#define WT_MIRRORS 32

struct wt_mirrors {
	unsigned int next;     /* the oldest goes first */
	unsigned int closings; /* wt_mirror_file_closed as it was when they were last looked at */
	uint32_t openings;
	struct wt_mirror slots[WT_MIRRORS];
};

/* The thread's ring, for one write, signals held until it is given back; NULL with *why set. */
struct wt_ring *wt_ring_take(enum wt_reason *why);
void wt_ring_give(struct wt_ring *ring);

/* The thread's ring, only if it has one that works. */
struct wt_ring *wt_ring_take_made(void);

/* Whether this process is refused io_uring, as far as it is known; `ask`: by now, if it can be. */
bool wt_ring_is_refused(bool ask);

/* Whether this thread is in the middle of a write through its ring: then it is a signal handler. */
bool wt_ring_is_busy(void);

/*
 * For who looks for rings of the program by their descriptors: how many of libwt's own were begun,
 * and whether one of them has a descriptor now.
 */
uint32_t wt_ring_begun(void);
bool wt_ring_has_descriptor(void);

/* Takes the thread's ring down: it is about to end. */
void wt_ring_end(void);

/*
 * The thread is about to end, and a mirror is to stay open all the same, which the ring's mappings
 * see to. False where so many rings stay already that this one has to go.
 */
bool wt_ring_keep(struct wt_ring *ring);

/* Takes down the rings that were kept and of which that is said. */
void wt_ring_end_kept(bool (*may_go)(const struct wt_mirrors *mirrors, int closing), int closing);

struct wt_mirrors *wt_ring_mirrors(struct wt_ring *ring);

/* The bounce buffer, WT_BOUNCE_BYTES aligned to pages; NULL without memory. */
void *wt_ring_bounce(struct wt_ring *ring);

/* Whether `buf` is the bounce buffer and registered with the ring (buffer 0). */
bool wt_ring_is_registered(const struct wt_ring *ring, const void *buf);

/* An empty request, to be prepared and run before the ring is given back. */
struct io_uring_sqe *wt_ring_request(struct wt_ring *ring);

/*
 * Hands the prepared request over and waits for its answer, however often the
 * wait ends early. Its result or -errno; -ESTALE where the ring broke after the request was
 * handed over, so that nothing is known. -ECANCELED: it was never handed over.
 */
int wt_ring_run(struct wt_ring *ring, struct io_uring_sqe *sqe);

#endif
