/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#include "ring/mirror.h"

#include <errno.h>
#include <fcntl.h>
#include "os/fd_path.h"
#include "os/process.h"
#include "os/uring.h"
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <unistd.h>

#include "base/base.h"
#include "os/raw.h"
#include "os/sys.h"
#include "os/thread.h"
#include "state/fdtable.h"
#include "state/inode.h"

#define YIELDS 100000

static const int open_flags[WT_MIRROR_KINDS] = {
	[WT_MIRROR_WRITE] = O_WRONLY | O_DIRECT,
	[WT_MIRROR_READ] = O_RDONLY | O_DIRECT,
	[WT_MIRROR_PRIVATE] = O_RDONLY,
};

/* Closings of all files that had a mirror. Each file's own are counted in its inode. */
static _Atomic uint32_t closings_all;

/*
 * glibc keeps only the values of the first 32 keys in the thread itself
 * (PTHREAD_KEY_2NDLEVEL_SIZE). For a later key it would allocate memory, which a signal handler may
 * not.
 */
#define KEYS_WITH_PLACE 32
#define KEY_GIVEN UINT64_MAX

static _Atomic uint64_t thread_key; /* the key plus one; 0: none yet */
static _Atomic uint32_t key_users;

/* This process's entry of the file; NULL as long as no file has had a mirror. */
static struct wt_inode_here *inode_of(dev_t dev, ino_t ino)
{
	return wt_inode_here_known(wt_inode_hash(dev, ino));
}

static int drop(struct wt_ring *ring, unsigned int slot)
{
	static int none = -1;
	struct io_uring_sqe *sqe = wt_ring_request(ring);

	wt_ring_mirrors(ring)->slots[slot].open = false;
	io_uring_prep_files_update(sqe, &none, 1, slot);
	int ret = wt_ring_run(ring, sqe);
	return ret < 0 ? ret : 0;
}

static void drop_all(struct wt_ring *ring)
{
	struct wt_mirrors *mirrors = wt_ring_mirrors(ring);

	for (unsigned int i = 0; i < WT_MIRRORS; i++)
		if (mirrors->slots[i].open && drop(ring, i))
			return;
}

void wt_mirror_leave(void)
{
	struct wt_ring *ring = wt_ring_take_made();

	if (!ring)
		return;
	drop_all(ring);
	wt_ring_give(ring);
}

/* Whether no mirror writes to a file that this process has open by a descriptor but `closing`. */
static bool may_close(const struct wt_mirrors *mirrors, int closing)
{
	for (unsigned int i = 0; i < WT_MIRRORS; i++) {
		const struct wt_mirror *at = &mirrors->slots[i];
		const struct stat file = { .st_dev = at->dev, .st_ino = at->ino };

		if (at->open && at->kind == WT_MIRROR_WRITE && wt_fdtable_has_other(closing, &file))
			return false;
	}
	return true;
}

/* False if the ring has to stay until the program's last closing of a file. */
static bool may_end(void)
{
	struct wt_ring *ring = wt_ring_take_made();
	bool stays = ring && !may_close(wt_ring_mirrors(ring), -1) && wt_ring_keep(ring);

	if (ring)
		wt_ring_give(ring);
	return !stays;
}

/*
 * Called when a thread ends. Left to itself, the kernel would close the ring's files some time
 * later, in a work queue.
 */
static void thread_ends(void *unused)
{
	(void)unused;
	if (!may_end())
		return;
	wt_mirror_leave();
	wt_ring_end();
}

/*
 * Makes sure that thread_ends is called for this thread. The key is made when there is something to
 * drop: most processes never need one.
 */
static void drop_at_end_of_thread(void)
{
	atomic_fetch_add(&key_users, 1);
	uint64_t key = atomic_load(&thread_key);
	pthread_key_t fresh;

	if (!key && !pthread_key_create(&fresh, thread_ends)) {
		if (atomic_compare_exchange_strong(&thread_key, &key, fresh + 1ULL))
			key = fresh + 1ULL;
		else
			pthread_key_delete(fresh);
	}
	/* The ring of a thread that libc does not know is found after that thread has ended. */
	if (key && key <= KEYS_WITH_PLACE && wt_thread_is_libcs())
		pthread_setspecific(key - 1, &thread_key);
	atomic_fetch_sub(&key_users, 1);
}

/* A user of the key that was copied by a fork never ends; then the key is lost. */
bool wt_mirror_give_key(void)
{
	uint64_t key = atomic_exchange(&thread_key, KEY_GIVEN);

	for (unsigned int tries = 0; atomic_load(&key_users) && tries < YIELDS; tries++)
		sched_yield();
	return key && key != KEY_GIVEN && !atomic_load(&key_users) && !pthread_key_delete(key - 1);
}

static int drop_closed(struct wt_ring *ring)
{
	struct wt_mirrors *mirrors = wt_ring_mirrors(ring);
	uint32_t now = atomic_load_explicit(&closings_all, memory_order_relaxed);
	int err = 0;

	if (likely(mirrors->closings == now))
		return 0;
	mirrors->closings = now;
	for (unsigned int i = 0; i < WT_MIRRORS && !err; i++) {
		struct wt_mirror *at = &mirrors->slots[i];

		if (at->open && at->closings != atomic_load(&inode_of(at->dev, at->ino)->closings))
			err = drop(ring, i);
	}
	return err;
}

static int find(struct wt_ring *ring, enum wt_mirror_kind kind, const struct stat *st)
{
	struct wt_mirrors *mirrors = wt_ring_mirrors(ring);

	for (int i = 0; i < WT_MIRRORS; i++) {
		const struct wt_mirror *at = &mirrors->slots[i];

		if (at->open && at->kind == kind && at->ino == st->st_ino && at->dev == st->st_dev)
			return i;
	}
	return -1;
}

/*
 * Opens the file behind fd into the slot. The path names this thread: the kernel worker that walks
 * it may have an older table of descriptors (CLOSE_RANGE_UNSHARE). 0 or -errno.
 */
static int open_path(struct wt_ring *ring, unsigned int slot, int fd, int flags)
{
	char path[WT_FD_PATH_LINK_BYTES];
	struct io_uring_sqe *sqe = wt_ring_request(ring);

	wt_fd_path_link_of(wt_kernel(SYS_gettid), fd, path);
	io_uring_prep_openat_direct(sqe, AT_FDCWD, path, flags | O_NOCTTY | O_NONBLOCK, 0, slot);
	int ret = wt_ring_run(ring, sqe);
	return ret < 0 ? ret : 0;
}

/*
 * Opens a mirror and verifies it. It is the file that st describes if the descriptor was that file
 * before and after, and was not replaced in between. A private opening needs no particular right,
 * so a file that may not be read is opened for writing. 0 or -errno.
 */
static int open_mirror(struct wt_ring *ring, unsigned int slot, enum wt_mirror_kind kind, int fd,
		       const struct stat *st)
{
	struct stat after;
	uint32_t generation = wt_fdtable_generation(fd);
	int lease = wt_sys.getlease(fd);

	/* Any opening would break the lease, and wait for that. */
	if (lease >= 0 && lease != F_UNLCK)
		return -EAGAIN;
	int err = open_path(ring, slot, fd, open_flags[kind]);

	if (err == -EACCES && kind == WT_MIRROR_PRIVATE)
		err = open_path(ring, slot, fd, O_WRONLY);
	if (err)
		return err;
	err = wt_sys.identify(fd, &after);
	if (!err && wt_is_same_file(&after, st) && wt_fdtable_generation(fd) == generation)
		return 0;
	drop(ring, slot);
	return -ESTALE;
}

/*
 * A free slot, or else the one of the oldest mirror. Mirrors that write are closed only if there
 * are no others: such a closing tells whoever watches the file that it is complete (inotify(7),
 * IN_CLOSE_WRITE).
 */
static unsigned int free_slot(struct wt_mirrors *mirrors)
{
	for (unsigned int i = 0; i < WT_MIRRORS; i++)
		if (!mirrors->slots[i].open)
			return i;
	for (unsigned int i = 0; i < WT_MIRRORS; i++) {
		unsigned int slot = (mirrors->next + i) % WT_MIRRORS;

		if (mirrors->slots[slot].kind != WT_MIRROR_WRITE) {
			mirrors->next = slot + 1;
			return slot;
		}
	}
	return mirrors->next++ % WT_MIRRORS;
}

int wt_mirror_get(struct wt_ring *ring, enum wt_mirror_kind kind, int fd, const struct stat *st,
		  enum wt_reason *why)
{
	struct wt_mirrors *mirrors = wt_ring_mirrors(ring);
	int err = drop_closed(ring);
	int found = find(ring, kind, st);

	if (likely(found >= 0))
		return found;
	*why = WT_WHY_NO_MIRROR;
	if (!S_ISREG(st->st_mode))
		return -EINVAL;
	if (err)
		return err;
	struct wt_inode_here *inode = wt_inode_here(wt_inode_hash(st->st_dev, st->st_ino));
	if (!inode)
		return -ENOMEM;
	unsigned int slot = free_slot(mirrors);
	struct wt_mirror mirror = {
		.open = true,
		.kind = kind,
		.opening = ++mirrors->openings,
		.closings = atomic_load(&inode->closings),
		.dev = st->st_dev,
		.ino = st->st_ino,
	};

	atomic_store_explicit(&inode->is_opened, true, memory_order_relaxed);
	drop_at_end_of_thread();
	mirrors->slots[slot].open = false;
	err = open_mirror(ring, slot, kind, fd, st);
	if (err)
		return err;
	mirrors->slots[slot] = mirror;
	return slot;
}

uint32_t wt_mirror_opening(struct wt_ring *ring, int slot)
{
	const struct wt_mirror *at = &wt_ring_mirrors(ring)->slots[slot];

	return at->open ? at->opening : 0;
}

ssize_t wt_mirror_write(struct wt_ring *ring, int slot, const void *buf, size_t len, off_t offset,
			int flags)
{
	struct io_uring_sqe *sqe = wt_ring_request(ring);

	if (wt_ring_is_registered(ring, buf))
		io_uring_prep_write_fixed(sqe, slot, buf, len, offset, 0);
	else
		io_uring_prep_write(sqe, slot, buf, len, offset);
	sqe->flags |= IOSQE_FIXED_FILE;
	sqe->rw_flags = flags;
	return wt_ring_run(ring, sqe);
}

ssize_t wt_mirror_read(struct wt_ring *ring, int slot, void *buf, size_t len, off_t offset)
{
	struct io_uring_sqe *sqe = wt_ring_request(ring);

	io_uring_prep_read(sqe, slot, buf, len, offset);
	sqe->flags |= IOSQE_FIXED_FILE;
	return wt_ring_run(ring, sqe);
}

/* The request has 32 bits for a length; a longer range is synced to the end of the file. */
int wt_mirror_sync_range(struct wt_ring *ring, int slot, struct wt_range range)
{
	struct io_uring_sqe *sqe = wt_ring_request(ring);
	unsigned int len = range.len_bytes > UINT32_MAX ? 0 : range.len_bytes;

	io_uring_prep_sync_file_range(sqe, slot, len, range.offset,
				      SYNC_FILE_RANGE_WAIT_BEFORE | SYNC_FILE_RANGE_WRITE |
					      SYNC_FILE_RANGE_WAIT_AFTER);
	sqe->flags |= IOSQE_FIXED_FILE;
	return wt_ring_run(ring, sqe);
}

/* Offset 0 and length 0 mean the whole file (io_fsync, io_uring/sync.c). */
int wt_mirror_sync(struct wt_ring *ring, int slot, struct wt_range range, bool datasync)
{
	struct io_uring_sqe *sqe = wt_ring_request(ring);

	io_uring_prep_fsync(sqe, slot, datasync ? IORING_FSYNC_DATASYNC : 0);
	if (range.len_bytes && range.len_bytes <= UINT32_MAX) {
		sqe->off = range.offset;
		sqe->len = range.len_bytes;
	}
	sqe->flags |= IOSQE_FIXED_FILE;
	return wt_ring_run(ring, sqe);
}

void wt_mirror_drop(struct wt_ring *ring, const struct stat *st)
{
	struct wt_mirrors *mirrors = wt_ring_mirrors(ring);

	for (unsigned int i = 0; i < WT_MIRRORS; i++) {
		const struct wt_mirror *at = &mirrors->slots[i];

		if (at->open && at->ino == st->st_ino && at->dev == st->st_dev && drop(ring, i))
			return;
	}
}

void wt_mirror_closing(int fd)
{
	struct wt_inode_here *inode;
	struct stat st;

	/* A vfork child's descriptors are its own, while the mirrors are its parent's. */
	if (likely(!wt_inode_here_known(0)) || wt_process_is_vfork_child() ||
	    wt_sys.identify(fd, &st))
		return;
	inode = inode_of(st.st_dev, st.st_ino);
	if (!atomic_load_explicit(&inode->is_opened, memory_order_relaxed) ||
	    wt_fdtable_has_other(fd, &st))
		return;
	atomic_fetch_add(&inode->closings, 1);
	atomic_fetch_add(&closings_all, 1);
	wt_ring_end_kept(may_close, fd);
	struct wt_ring *ring = wt_ring_take_made();
	if (!ring)
		return;
	drop_closed(ring);
	wt_ring_give(ring);
}
