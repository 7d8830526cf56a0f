/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#include "state/vfork_child.h"

#include <errno.h>
#include <linux/kcmp.h>
#include <sched.h>
#include <stdatomic.h>
#include <string.h>
#include <unistd.h>

#include "base/base.h"
#include "os/process.h"
#include "os/raw.h"
#include "os/thread.h"

#define PLACES 64
#define ENTRIES 32
#define BEING_FILLED ((pid_t)-1)

struct wt_vfork_child {
	/* The vfork child's process id; negative once it was about to execute; 0: a free place. */
	_Atomic pid_t pid;
	/*
	 * The process in whose memory it runs. A fork's copy of the place still names the parent.
	 */
	pid_t process;
	_Atomic unsigned int len;
	_Atomic bool is_full;
	struct {
		_Atomic int number; /* the descriptor's number plus one; 0: no entry */
		struct wt_fd entry;
	} own[ENTRIES];
};

WT_LARGE struct wt_vfork_child wt_vfork_children[PLACES];

/* For vfork children that found no place: nothing is known of their descriptors. */
static struct wt_vfork_child without_place = { .is_full = true };

/* Whether a child that shares descriptors (CLONE_FILES) was ever made. */
static _Atomic bool sharers_seen;

void wt_vfork_child_cloning(unsigned long flags)
{
	if (!(flags & CLONE_VFORK))
		wt_thread_cloning();
	if (flags & CLONE_FILES && !(flags & CLONE_THREAD))
		atomic_store(&sharers_seen, true);
}

static struct wt_vfork_child *place_of(pid_t pid)
{
	for (size_t i = 0; i < PLACES; i++)
		if (atomic_load_explicit(&wt_vfork_children[i].pid, memory_order_acquire) == pid)
			return &wt_vfork_children[i];
	return NULL;
}

static bool is_taken(pid_t pid)
{
	return pid > 0;
}

/*
 * Hands on what a vfork child had made of its descriptors. This process was forked, and its memory
 * holds a copy of that child's place.
 */
static void hand_on(struct wt_vfork_child *vfork_child, pid_t pid, wt_vfork_child_inherit *inherit)
{
	pid_t parent = getppid();

	/* A thread of the process forked this one, so descriptors are as its table says. */
	if (parent == vfork_child->process)
		return;
	if (atomic_load(&vfork_child->is_full))
		inherit(-1, NULL);
	unsigned int len = atomic_load(&vfork_child->len);
	for (unsigned int i = 0; i < len && i < ENTRIES; i++) {
		int fd = atomic_load(&vfork_child->own[i].number) - 1;

		/* That vfork child forked this process; or it has ended, and nothing is known. */
		if (fd >= 0)
			inherit(fd, parent == pid ? &vfork_child->own[i].entry : NULL);
	}
}

/*
 * Frees the places of vfork children that were killed, and of those that a forked process
 * inherited. Without `inherit` the inherited ones are left alone.
 */
static void tidy(pid_t process, wt_vfork_child_inherit *inherit)
{
	for (size_t i = 0; i < PLACES; i++) {
		struct wt_vfork_child *vfork_child = &wt_vfork_children[i];
		pid_t pid = atomic_load_explicit(&vfork_child->pid, memory_order_acquire);

		if (!is_taken(pid))
			continue;
		bool is_copy = vfork_child->process != process;
		/* What is inherited is for the forked process itself to take over. */
		if (is_copy && (!inherit || process != getpid()))
			continue;
		if (!is_copy && wt_raw(SYS_kill, pid, 0, 0, 0, 0, 0) != -ESRCH)
			continue;
		if (!atomic_compare_exchange_strong(&vfork_child->pid, &pid, BEING_FILLED))
			continue;
		if (is_copy)
			hand_on(vfork_child, pid, inherit);
		atomic_store(&vfork_child->pid, 0);
		atomic_fetch_sub(&wt_apart, WT_APART_VFORK_CHILD);
	}
}

struct wt_vfork_child *wt_vfork_child_self(wt_vfork_child_inherit *inherit)
{
	pid_t process = wt_process_id(), self = getpid();

	if (process == self || !process) {
		tidy(self, inherit);
		return NULL;
	}
	struct wt_vfork_child *vfork_child = place_of(self);
	/* A vfork child's own vfork child sees its parent's descriptors until it changes one. */
	if (!vfork_child)
		vfork_child = place_of(getppid());
	if (!vfork_child && atomic_load(&wt_apart) & WT_APART_CROWD)
		vfork_child = &without_place;
	return vfork_child;
}

static struct wt_vfork_child *take_free_place(void)
{
	static _Atomic unsigned int next;

	for (unsigned int i = 0; i < PLACES; i++) {
		struct wt_vfork_child *vfork_child =
			&wt_vfork_children[atomic_fetch_add(&next, 1) % PLACES];
		pid_t pid = atomic_load(&vfork_child->pid);

		if (!is_taken(pid) && pid != BEING_FILLED &&
		    atomic_compare_exchange_strong(&vfork_child->pid, &pid, BEING_FILLED))
			return vfork_child;
	}
	return NULL;
}

static struct wt_vfork_child *take_place(pid_t process)
{
	struct wt_vfork_child *vfork_child = take_free_place();

	if (vfork_child)
		return vfork_child;
	/* Some may belong to vfork children that were killed since the process last looked. */
	tidy(process, NULL);
	return take_free_place();
}

static struct wt_vfork_child *begin(pid_t self, pid_t process)
{
	const struct wt_vfork_child *parent = place_of(getppid());
	struct wt_vfork_child *vfork_child = take_place(process);

	if (!vfork_child) {
		atomic_fetch_or(&wt_apart, WT_APART_CROWD);
		return &without_place;
	}
	if (parent) {
		memcpy(vfork_child->own, parent->own, sizeof(vfork_child->own));
		atomic_store(&vfork_child->len, atomic_load(&parent->len));
	} else {
		memset(vfork_child->own, 0, sizeof(vfork_child->own));
		atomic_store(&vfork_child->len, 0);
	}
	atomic_store(&vfork_child->is_full, parent && atomic_load(&parent->is_full));
	vfork_child->process = process;
	atomic_store(&vfork_child->pid, self);
	atomic_fetch_add(&wt_apart, WT_APART_VFORK_CHILD);
	return vfork_child;
}

static bool shares_descriptors(pid_t self, pid_t process)
{
	return atomic_load_explicit(&sharers_seen, memory_order_relaxed) &&
	       !wt_raw(SYS_kcmp, self, process, KCMP_FILES, 0, 0, 0);
}

bool wt_vfork_child_may_share(void)
{
	return atomic_load_explicit(&sharers_seen, memory_order_relaxed) &&
	       wt_raw(SYS_kcmp, getpid(), wt_process_id(), KCMP_FILES, 0, 0, 0) < 0;
}

struct wt_vfork_child *wt_vfork_child_changing(void)
{
	pid_t process = wt_process_id(), self = getpid();

	if (process == self || !process || shares_descriptors(self, process))
		return NULL;
	struct wt_vfork_child *vfork_child = place_of(self);
	return vfork_child ? vfork_child : begin(self, process);
}

struct wt_fd *wt_vfork_child_entry(struct wt_vfork_child *vfork_child, int fd)
{
	unsigned int len = atomic_load_explicit(&vfork_child->len, memory_order_acquire);

	for (unsigned int i = 0; i < len && i < ENTRIES; i++)
		if (atomic_load_explicit(&vfork_child->own[i].number, memory_order_acquire) ==
		    fd + 1)
			return &vfork_child->own[i].entry;
	return NULL;
}

bool wt_vfork_child_is_full(const struct wt_vfork_child *vfork_child)
{
	return atomic_load_explicit(&vfork_child->is_full, memory_order_relaxed);
}

struct wt_fd *wt_vfork_child_entry_made(struct wt_vfork_child *vfork_child, int fd)
{
	struct wt_fd *entry = wt_vfork_child_entry(vfork_child, fd);

	if (entry || wt_vfork_child_is_full(vfork_child))
		return entry;
	unsigned int index = atomic_fetch_add(&vfork_child->len, 1);
	if (index >= ENTRIES) {
		atomic_store(&vfork_child->is_full, true);
		return NULL;
	}
	atomic_store(&vfork_child->own[index].number, fd + 1);
	return &vfork_child->own[index].entry;
}

void wt_vfork_child_leave(void)
{
	pid_t process = wt_process_id(), self = getpid();

	if (process == self || !process)
		return;
	struct wt_vfork_child *vfork_child = place_of(self);
	if (vfork_child) {
		atomic_store(&vfork_child->pid, -self);
		atomic_fetch_sub(&wt_apart, WT_APART_VFORK_CHILD);
		return;
	}
	/* The place of an earlier process with this id, which did execute. */
	vfork_child = place_of(-self);
	pid_t earlier = -self;
	if (vfork_child)
		atomic_compare_exchange_strong(&vfork_child->pid, &earlier, 0);
}

void wt_vfork_child_return(void)
{
	pid_t self = getpid(), left = -self;
	struct wt_vfork_child *vfork_child = wt_process_id() == self ? NULL : place_of(left);

	if (vfork_child && atomic_compare_exchange_strong(&vfork_child->pid, &left, self))
		atomic_fetch_add(&wt_apart, WT_APART_VFORK_CHILD);
}
