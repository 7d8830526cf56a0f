/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#include "state/guest.h"

#include <errno.h>
#include <linux/kcmp.h>
#include <sched.h>
#include <stdatomic.h>
#include <string.h>
#include <unistd.h>

#include "base/base.h"
#include "os/raw.h"
#include "os/thread.h"
#include "report/stats.h"

#define GUESTS 64
#define ENTRIES 32
#define BEING_FILLED ((pid_t)-1)

struct wt_guest {
	/* The guest's process id; negative when it was about to execute; 0 when the place is free.
	 */
	_Atomic pid_t pid;
	pid_t process; /* in whose memory it runs: in a forked copy that is another's */
	_Atomic unsigned int len;
	_Atomic bool is_full;
	struct {
		_Atomic int number; /* of the descriptor, and one */
		struct wt_fd entry;
	} own[ENTRIES];
};

WT_LARGE struct wt_guest wt_guests[GUESTS];

/* For guests that found no place. */
static struct wt_guest without_place = { .is_full = true };

static _Atomic bool sharers_seen;

void wt_guest_cloning(unsigned long flags)
{
	if (!(flags & CLONE_VM))
		return;
	if (!(flags & CLONE_VFORK))
		wt_thread_cloning();
	if (flags & CLONE_FILES && !(flags & CLONE_THREAD))
		atomic_store(&sharers_seen, true);
	else if (flags & CLONE_THREAD && !(flags & CLONE_FILES))
		wt_fdtable_split();
}

static struct wt_guest *place_of(pid_t pid)
{
	for (size_t i = 0; i < GUESTS; i++)
		if (atomic_load_explicit(&wt_guests[i].pid, memory_order_acquire) == pid)
			return &wt_guests[i];
	return NULL;
}

static bool is_taken(pid_t pid)
{
	return pid > 0;
}

/* This process was forked, and the place came along with the memory. */
static void inherit(struct wt_guest *guest, pid_t pid)
{
	static const union wt_verdict unknown;
	pid_t parent = getppid();

	/* From a thread of the process, whose descriptors are as its table says. */
	if (parent == guest->process)
		return;
	if (atomic_load(&guest->is_full))
		wt_fdtable_forget_range(0, ~0U);
	unsigned int len = atomic_load(&guest->len);
	for (unsigned int i = 0; i < len && i < ENTRIES; i++) {
		const struct wt_fd *entry = &guest->own[i].entry;
		int fd = atomic_load(&guest->own[i].number) - 1;

		/* From the guest; or from one of both that has ended since. */
		if (fd >= 0 && parent == pid)
			wt_fdtable_set(fd, (union wt_verdict){ entry->verdict },
				       entry->description);
		else if (fd >= 0)
			wt_fdtable_set(fd, unknown, 0);
	}
}

/* Takes back the places of guests that were killed, and of those that a forked process inherited.
 */
static void tidy(pid_t process)
{
	for (size_t i = 0; i < GUESTS; i++) {
		struct wt_guest *guest = &wt_guests[i];
		pid_t pid = atomic_load_explicit(&guest->pid, memory_order_acquire);

		if (!is_taken(pid))
			continue;
		bool is_copy = guest->process != process;
		/* What a fork left is the process's to take over. */
		if (is_copy && process != getpid())
			continue;
		if (!is_copy && wt_raw(SYS_kill, pid, 0, 0, 0, 0, 0) != -ESRCH)
			continue;
		if (!atomic_compare_exchange_strong(&guest->pid, &pid, BEING_FILLED))
			continue;
		if (is_copy)
			inherit(guest, pid);
		atomic_store(&guest->pid, 0);
		atomic_fetch_sub(&wt_fdtable_apart, WT_APART_GUEST);
	}
}

struct wt_guest *wt_guest_self(void)
{
	pid_t process = wt_stats_process(), self = getpid();

	if (process == self || !process) {
		tidy(self);
		return NULL;
	}
	struct wt_guest *guest = place_of(self);
	/* A guest's own guest, which has changed nothing so far, has what that one has. */
	if (!guest)
		guest = place_of(getppid());
	if (!guest && atomic_load(&wt_fdtable_apart) & WT_APART_CROWD)
		guest = &without_place;
	return guest;
}

static struct wt_guest *take_free_place(void)
{
	static _Atomic unsigned int next;

	for (unsigned int i = 0; i < GUESTS; i++) {
		struct wt_guest *guest = &wt_guests[atomic_fetch_add(&next, 1) % GUESTS];
		pid_t pid = atomic_load(&guest->pid);

		if (!is_taken(pid) && pid != BEING_FILLED &&
		    atomic_compare_exchange_strong(&guest->pid, &pid, BEING_FILLED))
			return guest;
	}
	return NULL;
}

static struct wt_guest *take_place(pid_t process)
{
	struct wt_guest *guest = take_free_place();

	if (guest)
		return guest;
	/* Those that were killed since the process has looked. */
	tidy(process);
	return take_free_place();
}

static struct wt_guest *begin(pid_t self, pid_t process)
{
	const struct wt_guest *parent = place_of(getppid());
	struct wt_guest *guest = take_place(process);

	if (!guest) {
		atomic_fetch_or(&wt_fdtable_apart, WT_APART_CROWD);
		return &without_place;
	}
	if (parent) {
		memcpy(guest->own, parent->own, sizeof(guest->own));
		atomic_store(&guest->len, atomic_load(&parent->len));
	} else {
		memset(guest->own, 0, sizeof(guest->own));
		atomic_store(&guest->len, 0);
	}
	atomic_store(&guest->is_full, parent && atomic_load(&parent->is_full));
	guest->process = process;
	atomic_store(&guest->pid, self);
	atomic_fetch_add(&wt_fdtable_apart, WT_APART_GUEST);
	return guest;
}

static bool shares_descriptors(pid_t self, pid_t process)
{
	return atomic_load_explicit(&sharers_seen, memory_order_relaxed) &&
	       !wt_raw(SYS_kcmp, self, process, KCMP_FILES, 0, 0, 0);
}

bool wt_guest_may_share(void)
{
	return atomic_load_explicit(&sharers_seen, memory_order_relaxed) &&
	       wt_raw(SYS_kcmp, getpid(), wt_stats_process(), KCMP_FILES, 0, 0, 0) < 0;
}

struct wt_guest *wt_guest_changing(void)
{
	pid_t process = wt_stats_process(), self = getpid();

	if (process == self || !process || shares_descriptors(self, process))
		return NULL;
	struct wt_guest *guest = place_of(self);
	return guest ? guest : begin(self, process);
}

struct wt_fd *wt_guest_entry(struct wt_guest *guest, int fd)
{
	unsigned int len = atomic_load_explicit(&guest->len, memory_order_acquire);

	for (unsigned int i = 0; i < len && i < ENTRIES; i++)
		if (atomic_load_explicit(&guest->own[i].number, memory_order_acquire) == fd + 1)
			return &guest->own[i].entry;
	return NULL;
}

bool wt_guest_is_full(const struct wt_guest *guest)
{
	return atomic_load_explicit(&guest->is_full, memory_order_relaxed);
}

struct wt_fd *wt_guest_entry_made(struct wt_guest *guest, int fd)
{
	struct wt_fd *entry = wt_guest_entry(guest, fd);

	if (entry || wt_guest_is_full(guest))
		return entry;
	unsigned int index = atomic_fetch_add(&guest->len, 1);
	if (index >= ENTRIES) {
		atomic_store(&guest->is_full, true);
		return NULL;
	}
	atomic_store(&guest->own[index].number, fd + 1);
	return &guest->own[index].entry;
}

void wt_guest_leave(void)
{
	pid_t process = wt_stats_process(), self = getpid();

	if (process == self || !process)
		return;
	struct wt_guest *guest = place_of(self);
	if (guest) {
		atomic_store(&guest->pid, -self);
		atomic_fetch_sub(&wt_fdtable_apart, WT_APART_GUEST);
		return;
	}
	/* Of an earlier process of this number, which did execute. */
	guest = place_of(-self);
	pid_t earlier = -self;
	if (guest)
		atomic_compare_exchange_strong(&guest->pid, &earlier, 0);
}

void wt_guest_return(void)
{
	pid_t self = getpid(), left = -self;
	struct wt_guest *guest = wt_stats_process() == self ? NULL : place_of(left);

	if (guest && atomic_compare_exchange_strong(&guest->pid, &left, self))
		atomic_fetch_add(&wt_fdtable_apart, WT_APART_GUEST);
}
