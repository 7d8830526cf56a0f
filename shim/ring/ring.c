/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#include "ring/ring.h"

#include <errno.h>
#include <fcntl.h>
#include "os/process.h"
#include "os/uring.h"
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/base.h"
#include "os/raw.h"
#include "os/sys.h"
#include "os/thread.h"
#include "report/log.h"
#include "ring/setup.h"
#include "state/fdtable.h"

#define KEPT_MAX 16
#define TRIES 200
#define NAP_US 1000
#define ASKS 10000
#define ASK_NAP_US 100
#define REGISTERED_RING (1U << 31) /* IORING_REGISTER_USE_REGISTERED_RING, 6.3 */

/* Values of `owner` that are no thread id. In a forked child the kernel has wiped it to 0. */
#define BEING_CLEARED ((pid_t)-1)
#define UNOWNED ((pid_t)-2)

struct wt_ring {
	_Atomic pid_t owner;
	uintptr_t storage;    /* the owner's thread pointer: a later thread may have its id */
	struct wt_ring *next; /* never changes, as other threads walk the list at any time */
	bool ready;	      /* io_uring is set up; this and what follows is the owner's alone */
	bool busy;
	bool kept;		   /* a thread that has ended left it open for a mirror */
	struct wt_signals signals; /* the thread's signal mask before it was taken */
	bool bounce_registered;
	uint64_t sequence;
	void *bounce;
	struct wt_mirrors mirrors;
	struct io_uring uring;
};

static struct wt_ring *_Atomic rings;
static _Atomic int refused;  /* errno with which io_uring was refused: it is not asked for again */
static _Atomic pid_t asking; /* the thread that asks whether io_uring can be had, or 0 */
static _Atomic bool asked;
/* Attempts to make a ring. In between a ring has a descriptor. */
static _Atomic uint32_t begun, ended;

/*
 * A thread finds its ring by its thread id, and not by a thread-local variable: two threads of
 * clone(2) may have one such storage, or none (thread.h). `hints` says where the ring of an id was
 * seen last, so that the list is not walked. No ring ever leaves the list.
 */
#define HINTS 256
static struct wt_ring *_Atomic hints[HINTS];

static pid_t thread_id(void)
{
	return wt_kernel(SYS_gettid);
}

static bool is_of(const struct wt_ring *ring, pid_t self)
{
	return atomic_load_explicit(&ring->owner, memory_order_acquire) == self &&
	       ring->storage == wt_thread_pointer();
}

static struct wt_ring *ring_of(pid_t self)
{
	struct wt_ring *ring = atomic_load_explicit(&hints[self % HINTS], memory_order_relaxed);

	if (likely(ring && is_of(ring, self)))
		return ring;
	for (ring = atomic_load(&rings); ring; ring = ring->next) {
		if (!is_of(ring, self))
			continue;
		atomic_store_explicit(&hints[self % HINTS], ring, memory_order_relaxed);
		return ring;
	}
	return NULL;
}

/* Unmaps whole pages, as the kernel does; else ThreadSanitizer takes the rest for mapped. */
static void unmap_pages(void *at, size_t len)
{
	munmap(at, wt_round_up(len, sysconf(_SC_PAGESIZE)));
}

/* Not by io_uring_queue_exit(3), which would close and unregister for the wrong thread. */
static void unmap(struct wt_ring *ring)
{
	struct io_uring *uring = &ring->uring;

	unmap_pages(uring->sq.sqes, uring->sq.ring_entries * sizeof(struct io_uring_sqe));
	unmap_pages(uring->sq.ring_ptr, uring->sq.ring_sz);
	if (uring->cq.ring_ptr && uring->cq.ring_ptr != uring->sq.ring_ptr)
		unmap_pages(uring->cq.ring_ptr, uring->cq.ring_sz);
	if (ring->bounce)
		munmap(ring->bounce, WT_BOUNCE_BYTES);
}

/*
 * Whether a thread of this process has ended. By the true process id: libraries that fake getpid
 * (libfaketime) would make every thread seem ended.
 */
static bool thread_is_gone(pid_t tid)
{
	return wt_kernel(SYS_tgkill, wt_kernel(SYS_getpid), tid, 0) == -ESRCH;
}

/* Unmaps and zeroes a ring whose owner is BEING_CLEARED, and gives it to next_owner. */
static void clear(struct wt_ring *ring, pid_t next_owner)
{
	size_t kept = offsetof(struct wt_ring, ready);

	if (ring->ready)
		unmap(ring);
	memset((char *)ring + kept, 0, sizeof(*ring) - kept);
	ring->storage = wt_thread_pointer();
	atomic_store(&ring->owner, next_owner);
}

/* Claims a ring whose owner has ended. False if the owner lives, or another thread was first. */
static bool claim(struct wt_ring *ring)
{
	pid_t owner = atomic_load(&ring->owner);

	return owner > 0 && thread_is_gone(owner) &&
	       atomic_compare_exchange_strong(&ring->owner, &owner, BEING_CLEARED);
}

bool wt_ring_keep(struct wt_ring *ring)
{
	unsigned int kept = 0;

	for (struct wt_ring *at = atomic_load(&rings); at; at = at->next)
		kept += at->kept;
	ring->kept = kept < KEPT_MAX;
	return ring->kept;
}

void wt_ring_end_kept(bool (*may_close)(const struct wt_mirrors *mirrors, int closing), int closing)
{
	for (struct wt_ring *ring = atomic_load(&rings); ring; ring = ring->next) {
		pid_t owner = atomic_load(&ring->owner);

		if (!ring->kept || !claim(ring))
			continue;
		if (may_close(&ring->mirrors, closing))
			clear(ring, UNOWNED);
		else
			atomic_store(&ring->owner, owner);
	}
}

/* Frees the rings of threads that have ended. One of them, empty, for the caller; or NULL. */
static struct wt_ring *reclaim(pid_t self)
{
	struct wt_ring *found = NULL;

	for (struct wt_ring *ring = atomic_load(&rings); ring; ring = ring->next) {
		pid_t owner = atomic_load(&ring->owner);

		/* A fork has wiped an owner to 0. */
		bool is_free = owner == UNOWNED || !owner;
		/* The caller has no ring, so one with its id belonged to an earlier thread. */
		bool is_gone = owner > 0 && (owner == self || thread_is_gone(owner));
		if (is_free ? found != NULL : !is_gone || ring->kept)
			continue;
		if (!atomic_compare_exchange_strong(&ring->owner, &owner, BEING_CLEARED))
			continue;
		clear(ring, found ? UNOWNED : self);
		found = found ? found : ring;
	}
	return found;
}

static struct wt_ring *allocate(pid_t self)
{
	struct wt_ring *ring = reclaim(self);

	if (ring)
		return ring;
	void *map;
	if (wt_sys_map_wiped(sizeof(*ring), &map))
		return NULL;
	ring = map;
	ring->storage = wt_thread_pointer();
	atomic_store(&ring->owner, self);
	struct wt_ring *head = atomic_load(&rings);
	do {
		ring->next = head;
	} while (!atomic_compare_exchange_weak(&rings, &head, ring));
	return ring;
}

static int make(struct wt_ring *ring)
{
	atomic_fetch_add(&begun, 1);
	int err = wt_ring_setup(&ring->uring);
	atomic_fetch_add(&ended, 1);
	return err;
}

uint32_t wt_ring_begun(void)
{
	return atomic_load(&begun);
}

/*
 * While the counts differ a ring has a descriptor. In a child that was forked meanwhile, and has a
 * copy of that descriptor, they differ for ever.
 */
bool wt_ring_has_descriptor(void)
{
	return atomic_load(&begun) != atomic_load(&ended);
}

static bool is_lasting(int err)
{
	return wt_sys_is_refusal(err) || err == -EACCES;
}

/*
 * Until it is known whether io_uring can be had here, one thread asks and the others wait for its
 * answer, so that a refusal is met once. After a fork `asking` may be a thread of the parent, which
 * never answers; its place is taken.
 */
static void begin_to_ask(pid_t self)
{
	for (unsigned int tries = 0; !atomic_load(&asked) && tries < ASKS; tries++) {
		pid_t other = 0;

		if (atomic_compare_exchange_strong(&asking, &other, self))
			return;
		if (thread_is_gone(other))
			atomic_compare_exchange_strong(&asking, &other, 0);
		else
			wt_nap_us(ASK_NAP_US);
	}
}

static void end_asking(pid_t self, int err)
{
	if (is_lasting(err))
		atomic_store(&refused, -err);
	if (!err || is_lasting(err))
		atomic_store(&asked, true);
	atomic_compare_exchange_strong(&asking, &self, 0);
}

/* Makes the calling thread's own ring. 0 or -errno. */
static int make_own(pid_t self)
{
	struct wt_ring *ring = ring_of(self);

	begin_to_ask(self);
	int err = -atomic_load(&refused);
	if (err)
		return err;
	if (ring) /* an earlier attempt failed */
		clear(ring, self);
	else
		ring = allocate(self);
	err = ring ? make(ring) : -ENOMEM;
	if (!err)
		ring->ready = true;
	end_asking(self, err);
	return err;
}

static struct wt_ring *own_ring(enum wt_reason *why)
{
	pid_t self = thread_id();
	struct wt_ring *ring = self > 0 ? ring_of(self) : NULL;

	if (ring && ring->ready)
		return ring;
	*why = WT_WHY_NO_RING;
	if (atomic_load_explicit(&refused, memory_order_relaxed))
		return NULL;
	*why = WT_WHY_NO_RING_NOW;
	/*
	 * A vfork child has no ring: these are its parent's, whose threads are not in its process.
	 */
	if (wt_process_is_vfork_child() || self < 0)
		return NULL;
	/* liburing uses libc's thread-local storage. */
	if (!wt_thread_has_storage())
		return NULL;
	int err = make_own(self);
	if (!err)
		return ring_of(self);
	if (is_lasting(err))
		*why = WT_WHY_NO_RING;
	wt_log(WT_LOG_INFO, "no io_uring: %s", wt_log_errno_text(err));
	return NULL;
}

struct wt_ring *wt_ring_take(enum wt_reason *why)
{
	struct wt_signals before;

	wt_sys_hold_signals(&before);
	struct wt_ring *ring = own_ring(why);
	if (ring && ring->busy) {
		*why = WT_WHY_RING_BUSY;
		ring = NULL;
	}
	if (!ring) {
		wt_sys_let_signals(&before);
		return NULL;
	}
	ring->signals = before;
	ring->busy = true;
	return ring;
}

bool wt_ring_is_refused(bool ask)
{
	enum wt_reason why;

	if (ask && !atomic_load_explicit(&asked, memory_order_relaxed)) {
		struct wt_ring *ring = wt_ring_take(&why);

		if (ring)
			wt_ring_give(ring);
	}
	return atomic_load_explicit(&refused, memory_order_relaxed);
}

bool wt_ring_is_busy(void)
{
	struct wt_ring *ring = atomic_load(&rings) ? ring_of(thread_id()) : NULL;

	return ring && ring->busy;
}

void wt_ring_give(struct wt_ring *ring)
{
	struct wt_signals before = ring->signals;
	pid_t self = atomic_load_explicit(&ring->owner, memory_order_relaxed);

	ring->busy = false;
	/* A release: a thread that takes the ring over later sees all that was done with it. */
	atomic_store_explicit(&ring->owner, self, memory_order_release);
	wt_sys_let_signals(&before);
}

struct wt_ring *wt_ring_take_made(void)
{
	struct wt_ring *ring = atomic_load(&rings) ? ring_of(thread_id()) : NULL;
	enum wt_reason why;

	return ring && ring->ready ? wt_ring_take(&why) : NULL;
}

void wt_ring_end(void)
{
	struct wt_ring *ring = wt_ring_take_made();

	if (!ring)
		return;
	struct wt_signals before = ring->signals;
	atomic_store(&ring->owner, BEING_CLEARED);
	clear(ring, UNOWNED);
	wt_sys_let_signals(&before);
}

struct wt_mirrors *wt_ring_mirrors(struct wt_ring *ring)
{
	return &ring->mirrors;
}

struct io_uring_sqe *wt_ring_request(struct wt_ring *ring)
{
	return io_uring_get_sqe(&ring->uring);
}

/* Whether to try again. A lack of memory and a signal pass, a refusal by a sandbox does not. */
static bool may_pass(int err, unsigned int *tries)
{
	++*tries;
	if (err == -EINTR)
		return *tries < WT_INTERRUPTIONS_MAX;
	if ((err != -EAGAIN && err != -EBUSY) || *tries > TRIES)
		return false;
	wt_nap_us(NAP_US);
	return true;
}

/* Answers to other requests are dropped. */
int wt_ring_run(struct wt_ring *ring, struct io_uring_sqe *sqe)
{
	struct io_uring_cqe *cqe;
	uint64_t sequence = ++ring->sequence;
	unsigned int tries = 0;
	bool handed_over = false;

	sqe->user_data = sequence;
	for (;;) {
		int ret = io_uring_submit_and_wait(&ring->uring, 1);

		if (ret > 0)
			handed_over = true;
		if (ret < 0 && !may_pass(ret, &tries)) {
			/* The ring can no longer be entered, so what it still holds never runs. */
			if (ret != -EBADF)
				atomic_store(&refused, -ret);
			ring->ready = false;
			return handed_over ? -ESTALE : -ECANCELED;
		}
		while (!io_uring_peek_cqe(&ring->uring, &cqe)) {
			bool mine = cqe->user_data == sequence;
			int res = cqe->res;

			io_uring_cqe_seen(&ring->uring, cqe);
			if (mine)
				return res;
		}
	}
}

/*
 * Registers the bounce buffer, so that its pages are not pinned for each write. Without liburing,
 * which would name the closed descriptor. Where it is refused (before 6.3, RLIMIT_MEMLOCK) all
 * works without.
 */
static void register_bounce(struct wt_ring *ring)
{
	struct iovec iov = { ring->bounce, WT_BOUNCE_BYTES };

	ring->bounce_registered = !wt_kernel(SYS_io_uring_register, ring->uring.enter_ring_fd,
					     IORING_REGISTER_BUFFERS | REGISTERED_RING, &iov, 1);
}

void *wt_ring_bounce(struct wt_ring *ring)
{
	if (likely(ring->bounce))
		return ring->bounce;
	void *made = mmap(NULL, WT_BOUNCE_BYTES, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (made == MAP_FAILED)
		return NULL;
	madvise(made, WT_BOUNCE_BYTES, MADV_DONTFORK);
	ring->bounce = made;
	register_bounce(ring);
	return made;
}

bool wt_ring_is_registered(const struct wt_ring *ring, const void *buf)
{
	return buf == ring->bounce && ring->bounce_registered;
}
