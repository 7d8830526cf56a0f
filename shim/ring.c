/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#include "ring.h"

#include <errno.h>
#include <fcntl.h>
#include <liburing.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base.h"
#include "fdtable.h"
#include "log.h"
#include "stats.h"
#include "sys.h"

#define MIRRORS 8
#define KERNEL_SIGSET_BYTES 8
#define ENTRIES 4

struct mirror {
	dev_t dev;
	ino_t ino;
	bool open;
};

/* Instead of an owner's thread id. Wiped in a forked child: 0. */
#define BEING_CLEARED ((pid_t)-1)
#define UNOWNED ((pid_t)-2)

struct wt_ring {
	_Atomic pid_t owner;
	bool ready; /* io_uring is set up */
	bool busy;
	sigset_t signals; /* the thread's mask while it is busy, to be set again */
	bool bounce_registered;
	unsigned int next_mirror; /* the oldest goes first */
	unsigned int closings; /* wt_ring_file_closed as it was when mirrors were last looked at */
	uint64_t sequence;
	void *bounce;
	struct mirror mirrors[MIRRORS];
	struct io_uring uring;
	struct wt_ring *next;
};

static struct wt_ring *_Atomic rings;
static _Atomic unsigned int closings;
static _Atomic int refused; /* errno of a sandbox's no: asked once, never again */
static _Thread_local struct wt_ring *own __attribute__((tls_model("initial-exec")));

static pid_t thread_id(void)
{
	return syscall(SYS_gettid);
}

void wt_ring_file_closed(void)
{
	atomic_fetch_add_explicit(&closings, 1, memory_order_relaxed);
}

/* By hand: io_uring_queue_exit would close and unregister in the name of the wrong thread. */
static void unmap(struct wt_ring *ring)
{
	struct io_uring *uring = &ring->uring;

	munmap(uring->sq.sqes, uring->sq.ring_entries * sizeof(struct io_uring_sqe));
	munmap(uring->sq.ring_ptr, uring->sq.ring_sz);
	if (uring->cq.ring_ptr && uring->cq.ring_ptr != uring->sq.ring_ptr)
		munmap(uring->cq.ring_ptr, uring->cq.ring_sz);
	if (ring->bounce)
		munmap(ring->bounce, WT_BOUNCE_BYTES);
}

static bool thread_is_gone(pid_t tid)
{
	return syscall(SYS_tgkill, getpid(), tid, 0) < 0 && errno == ESRCH;
}

/* Takes down the rings of threads that have ended; one of them, empty, for the caller, or NULL. */
static struct wt_ring *reclaim(pid_t self)
{
	struct wt_ring *found = NULL;

	for (struct wt_ring *ring = atomic_load(&rings); ring; ring = ring->next) {
		pid_t owner = atomic_load(&ring->owner);

		if (owner == UNOWNED ? found != NULL : owner <= 0 || !thread_is_gone(owner))
			continue;
		if (!atomic_compare_exchange_strong(&ring->owner, &owner, BEING_CLEARED))
			continue;
		if (ring->ready)
			unmap(ring);
		struct wt_ring *next = ring->next;
		memset(ring, 0, sizeof(*ring));
		ring->next = next;
		atomic_store(&ring->owner, found ? UNOWNED : self);
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
	atomic_store(&ring->owner, self);
	struct wt_ring *head = atomic_load(&rings);
	do {
		ring->next = head;
	} while (!atomic_compare_exchange_weak(&rings, &head, ring));
	return ring;
}

/*
 * Newer flags first: one issuer, and completions run when that issuer waits, so
 * that no other task is interrupted for them (6.1).
 */
static int setup(struct io_uring *uring)
{
	static const unsigned int tries[] = {
		IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN,
		0,
	};
	int err = -EINVAL;

	for (size_t i = 0; i < WT_LENGTH(tries) && err == -EINVAL; i++) {
		struct io_uring_params params = { .flags = tries[i] };

		err = io_uring_queue_init_params(ENTRIES, uring, &params);
	}
	return err;
}

/* Without a buffer, or without leave to pin it (RLIMIT_MEMLOCK), the ring works on. */
static void make_bounce(struct wt_ring *ring)
{
	void *made = mmap(NULL, WT_BOUNCE_BYTES, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (made == MAP_FAILED)
		return;
	madvise(made, WT_BOUNCE_BYTES, MADV_DONTFORK);
	struct iovec iov = { made, WT_BOUNCE_BYTES };
	ring->bounce = made;
	ring->bounce_registered = !io_uring_register_buffers(&ring->uring, &iov, 1);
}

/* Only while it still is an io_uring: another thread may have put its own there with dup2. */
static void close_ring(int fd)
{
	static const char name[] = "anon_inode:[io_uring]";
	char path[64];

	if (wt_sys_path(fd, path, sizeof(path)) == sizeof(name) - 1 && !strcmp(path, name))
		wt_sys.close(fd);
}

static int make(struct wt_ring *ring)
{
	int files[MIRRORS];
	struct io_uring *uring = &ring->uring;
	int err = setup(uring);

	if (err)
		return err;
	for (int i = 0; i < MIRRORS; i++)
		files[i] = -1;
	err = io_uring_register_files(uring, files, MIRRORS);
	make_bounce(ring);
	if (!err)
		err = io_uring_register_ring_fd(uring) - 1;
	if (err) {
		if (ring->bounce)
			munmap(ring->bounce, WT_BOUNCE_BYTES);
		ring->bounce = NULL;
		io_uring_queue_exit(uring);
		return err;
	}
	close_ring(uring->ring_fd);
	uring->ring_fd = -1;
	io_uring_ring_dontfork(uring);
	return 0;
}

static bool is_lasting(int err)
{
	return err == -ENOSYS || err == -EPERM || err == -EACCES || err == -EOPNOTSUPP ||
	       err == -EINVAL;
}

static struct wt_ring *own_ring(enum wt_reason *why)
{
	struct wt_ring *ring = own;
	pid_t self = thread_id();

	if (ring && ring->ready && atomic_load_explicit(&ring->owner, memory_order_relaxed) == self)
		return ring;
	*why = WT_WHY_NO_RING;
	if (atomic_load_explicit(&refused, memory_order_relaxed))
		return NULL;
	*why = WT_WHY_NO_RING_NOW;
	/* None of these rings is a vfork child's, and none of their threads in its process. */
	if (wt_stats_is_guest())
		return NULL;
	if (ring) /* made before, in vain or by the parent of a fork */
		atomic_store(&ring->owner, self);
	else
		ring = own = allocate(self);
	int err = ring ? make(ring) : -ENOMEM;
	if (!err) {
		ring->ready = true;
		return ring;
	}
	if (is_lasting(err)) {
		atomic_store(&refused, -err);
		*why = WT_WHY_NO_RING;
	}
	wt_log(WT_LOG_INFO, "no io_uring: %s", strerror(-err));
	return NULL;
}

static void hold_signals(sigset_t *before)
{
	sigset_t all;

	sigfillset(&all);
	syscall(SYS_rt_sigprocmask, SIG_SETMASK, &all, before, KERNEL_SIGSET_BYTES);
}

static void let_signals(const sigset_t *before)
{
	syscall(SYS_rt_sigprocmask, SIG_SETMASK, before, NULL, KERNEL_SIGSET_BYTES);
}

struct wt_ring *wt_ring_take(enum wt_reason *why)
{
	sigset_t before;

	hold_signals(&before);
	struct wt_ring *ring = own_ring(why);
	if (ring && ring->busy) {
		*why = WT_WHY_RING_BUSY;
		ring = NULL;
	}
	if (!ring) {
		let_signals(&before);
		return NULL;
	}
	ring->signals = before;
	ring->busy = true;
	return ring;
}

bool wt_ring_is_busy(void)
{
	return own && own->busy;
}

void wt_ring_give(struct wt_ring *ring)
{
	sigset_t before = ring->signals;

	ring->busy = false;
	let_signals(&before);
}

/*
 * Hands one prepared request over and waits for its answer, however often the
 * wait ends early; only this request's answer counts.
 */
static int run(struct wt_ring *ring, struct io_uring_sqe *sqe)
{
	struct io_uring_cqe *cqe;
	uint64_t sequence = ++ring->sequence;
	bool handed_over = false;

	sqe->user_data = sequence;
	for (;;) {
		int ret = io_uring_submit_and_wait(&ring->uring, 1);

		if (ret > 0)
			handed_over = true;
		if (ret < 0 && ret != -EINTR && ret != -EAGAIN && ret != -EBUSY) {
			/* This ring is not entered again, so what it still holds never runs. */
			ring->ready = false;
			own = NULL;
			return handed_over ? -EIO : -ECANCELED;
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

static int drop_mirror(struct wt_ring *ring, unsigned int slot)
{
	static int none = -1;
	struct io_uring_sqe *sqe = io_uring_get_sqe(&ring->uring);

	ring->mirrors[slot].open = false;
	io_uring_prep_files_update(sqe, &none, 1, slot);
	int ret = run(ring, sqe);
	return ret < 0 ? ret : 0;
}

/* Some file was closed since: let go of all, so that none is held for long. */
static int drop_after_closings(struct wt_ring *ring)
{
	unsigned int now = atomic_load_explicit(&closings, memory_order_relaxed);
	int err = 0;

	if (likely(ring->closings == now))
		return 0;
	ring->closings = now;
	for (unsigned int i = 0; i < MIRRORS && !err; i++)
		if (ring->mirrors[i].open)
			err = drop_mirror(ring, i);
	return err;
}

/*
 * Opens straight into the ring, never into the process's table: there another
 * thread could meet it, and closing it would take away every POSIX record lock
 * that the process holds on the file (fcntl(2), filp_close in fs/open.c). The
 * path names the thread, because the kernel worker that walks it may have an
 * older table of descriptors (CLOSE_RANGE_UNSHARE). What was opened is the file
 * that st describes if the descriptor was that before and after and was not
 * replaced in between.
 */
static int open_mirror(struct wt_ring *ring, unsigned int slot, int fd, const struct stat *st)
{
	char path[64];
	struct stat after;
	uint32_t generation = wt_fdtable_generation(fd);
	struct io_uring_sqe *sqe = io_uring_get_sqe(&ring->uring);

	snprintf(path, sizeof(path), "/proc/self/task/%d/fd/%d", thread_id(), fd);
	io_uring_prep_openat_direct(sqe, AT_FDCWD, path, O_WRONLY | O_DIRECT | O_NOCTTY, 0, slot);
	int err = run(ring, sqe);
	if (err < 0)
		return err;
	err = wt_sys.identify(fd, &after);
	if (!err && after.st_dev == st->st_dev && after.st_ino == st->st_ino &&
	    wt_fdtable_generation(fd) == generation)
		return 0;
	drop_mirror(ring, slot);
	return -ESTALE;
}

/* The slot of the file's mirror, or -1. */
static int find_mirror(const struct wt_ring *ring, const struct stat *st)
{
	for (int i = 0; i < MIRRORS; i++) {
		const struct mirror *at = &ring->mirrors[i];

		if (at->open && at->ino == st->st_ino && at->dev == st->st_dev)
			return i;
	}
	return -1;
}

int wt_ring_mirror(struct wt_ring *ring, int fd, const struct stat *st, enum wt_reason *why)
{
	int err = drop_after_closings(ring);
	int found = find_mirror(ring, st);

	if (found >= 0)
		return found;
	*why = WT_WHY_NO_MIRROR;
	if (err)
		return err;
	unsigned int slot = ring->next_mirror++ % MIRRORS;
	struct mirror *mirror = &ring->mirrors[slot];

	mirror->open = false;
	err = open_mirror(ring, slot, fd, st);
	if (err)
		return err;
	*mirror = (struct mirror){ .dev = st->st_dev, .ino = st->st_ino, .open = true };
	return slot;
}

void wt_ring_drop(const struct stat *st)
{
	enum wt_reason why;
	struct wt_ring *ring = own && own->ready ? wt_ring_take(&why) : NULL;

	if (!ring)
		return;
	int slot = find_mirror(ring, st);
	if (slot >= 0)
		drop_mirror(ring, slot);
	wt_ring_give(ring);
}

void *wt_ring_bounce(struct wt_ring *ring)
{
	return ring->bounce;
}

ssize_t wt_ring_write(struct wt_ring *ring, int mirror, const void *buf, size_t len, off_t offset,
		      int flags)
{
	struct io_uring_sqe *sqe = io_uring_get_sqe(&ring->uring);

	if (buf == ring->bounce && ring->bounce_registered)
		io_uring_prep_write_fixed(sqe, mirror, buf, len, offset, 0);
	else
		io_uring_prep_write(sqe, mirror, buf, len, offset);
	sqe->flags |= IOSQE_FIXED_FILE;
	sqe->rw_flags = flags;
	return run(ring, sqe);
}
