/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#include "state/fdtable.h"

#include <sched.h>
#include <sys/mman.h>

#include "os/process.h"
#include "os/sys.h"
#include "os/thread.h"
#include "state/vfork_child.h"

WT_LARGE struct wt_fd *_Atomic wt_fdtable[WT_FD_CHUNKS];

/* No entry was ever made for this descriptor or a higher one. */
static _Atomic unsigned int end;

void wt_fdtable_split(void)
{
	atomic_fetch_or(&wt_apart, WT_APART_SPLIT);
}

void wt_fdtable_cloning(unsigned long flags)
{
	if (!(flags & CLONE_VM))
		return;
	wt_vfork_child_cloning(flags);
	if (flags & CLONE_THREAD && !(flags & CLONE_FILES))
		wt_fdtable_split();
}

static bool is_split(void)
{
	return atomic_load_explicit(&wt_apart, memory_order_relaxed) & WT_APART_SPLIT;
}

/* Takes over what a vfork child had made of a number, in a process that it forked. */
static void inherit(int fd, const struct wt_fd *entry)
{
	if (fd < 0)
		wt_fdtable_forget_range(0, ~0U);
	else if (entry)
		wt_fdtable_set(fd, (union wt_verdict){ entry->verdict }, entry->description);
	else
		wt_fdtable_forget(fd);
}

/* The vfork child whose descriptors the caller has; NULL: the caller has the process's own. */
static struct wt_vfork_child *viewer(void)
{
	return unlikely(atomic_load_explicit(&wt_apart, memory_order_relaxed))
		       ? wt_vfork_child_self(inherit)
		       : NULL;
}

/* The process's entry of fd; NULL if none was ever made. */
static struct wt_fd *entry_of_process(int fd)
{
	unsigned int chunk = (unsigned int)fd / WT_FD_CHUNK;

	if (chunk >= WT_FD_CHUNKS || is_split())
		return NULL;
	struct wt_fd *entries = atomic_load_explicit(&wt_fdtable[chunk], memory_order_acquire);
	return entries ? &entries[(unsigned int)fd % WT_FD_CHUNK] : NULL;
}

static struct wt_fd *entry_seen_by(struct wt_vfork_child *vfork_child, int fd)
{
	struct wt_fd *own = vfork_child ? wt_vfork_child_entry(vfork_child, fd) : NULL;

	if (own || (vfork_child && wt_vfork_child_is_full(vfork_child)))
		return own;
	return entry_of_process(fd);
}

/* What a thread in seccomp's strict mode sees as the entry of every descriptor. */
static struct wt_fd strict_entry;

void wt_fdtable_pass_all(bool has_storage)
{
	static const union wt_verdict no_rule = { .state = WT_NO_RULE };

	atomic_store(&strict_entry.verdict, no_rule.word);
	wt_thread_become_strict(has_storage);
	atomic_fetch_or(&wt_apart, WT_APART_STRICT);
}

struct wt_fd *wt_fdtable_entry_apart(int fd)
{
	if (atomic_load(&wt_apart) & WT_APART_STRICT && wt_thread_is_strict())
		return &strict_entry;
	return is_split() ? NULL : entry_seen_by(viewer(), fd);
}

/*
 * The process's entry of fd, made if there is none; NULL if that fails. If two threads map the same
 * chunk at once, the second uses the first's.
 */
static struct wt_fd *entry_made(int fd)
{
	unsigned int chunk = (unsigned int)fd / WT_FD_CHUNK;
	struct wt_fd *entry = entry_of_process(fd);

	if (entry || chunk >= WT_FD_CHUNKS || is_split())
		return entry;
	size_t size = WT_FD_CHUNK * sizeof(struct wt_fd);
	struct wt_fd *made =
		mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (made == MAP_FAILED)
		return NULL;
	/* `end` is raised before the entries can be found, so that a search reaches them. */
	unsigned int past = (chunk + 1) * WT_FD_CHUNK, before = atomic_load(&end);
	while (before < past && !atomic_compare_exchange_weak(&end, &before, past))
		;
	struct wt_fd *expected = NULL;
	if (!atomic_compare_exchange_strong(&wt_fdtable[chunk], &expected, made))
		munmap(made, size);
	return entry_of_process(fd);
}

static bool is_known_as(const struct wt_fd *entry, union wt_verdict verdict, uint64_t description)
{
	return atomic_load_explicit(&entry->verdict, memory_order_relaxed) == verdict.word &&
	       atomic_load_explicit(&entry->description, memory_order_relaxed) == description &&
	       !atomic_load_explicit(&entry->called, memory_order_relaxed) &&
	       verdict.state != WT_RULED;
}

static void replace(struct wt_fd *entry, union wt_verdict verdict, uint64_t description)
{
	atomic_fetch_add(&entry->generation, 1);
	atomic_store_explicit(&entry->started_bytes, 0, memory_order_relaxed);
	atomic_store_explicit(&entry->counted_in, 0, memory_order_relaxed);
	atomic_store_explicit(&entry->description, description, memory_order_relaxed);
	atomic_store_explicit(&entry->file, 0, memory_order_relaxed);
	atomic_store_explicit(&entry->own_flags, 0, memory_order_relaxed);
	atomic_store_explicit(&entry->called, 0, memory_order_relaxed);
	atomic_store_explicit(&entry->verdict, verdict.word, memory_order_release);
}

/* A vfork child's own entry of fd, made if there is none. A search has to reach it too. */
static struct wt_fd *entry_of_vfork_child(struct wt_vfork_child *vfork_child, int fd)
{
	struct wt_fd *process = entry_of_process(fd);

	/* If the two may share their descriptors, the process's descriptor may change as well. */
	if (process && wt_vfork_child_may_share())
		atomic_store_explicit(&process->verdict, 0, memory_order_relaxed);
	if ((unsigned int)fd >= WT_FD_CHUNK * WT_FD_CHUNKS)
		return NULL;
	unsigned int past = (unsigned int)wt_round_up(fd + 1U, WT_FD_CHUNK), before = end;
	while (before < past && !atomic_compare_exchange_weak(&end, &before, past))
		;
	return wt_vfork_child_entry_made(vfork_child, fd);
}

void wt_fdtable_set(int fd, union wt_verdict verdict, uint64_t description)
{
	struct wt_fd *entry = wt_fdtable_entry(fd);

	/* Most descriptors of most programs have no entry and need none. */
	if (entry ? is_known_as(entry, verdict, description) : !verdict.word && !description)
		return;
	struct wt_vfork_child *vfork_child = wt_vfork_child_changing();
	entry = unlikely(vfork_child) ? entry_of_vfork_child(vfork_child, fd) : entry_made(fd);
	if (entry)
		replace(entry, verdict, description);
}

/* The entry in which the caller may note something. A vfork child may not in the process's. */
static struct wt_fd *entry_to_note(int fd)
{
	if (likely(!wt_process_is_vfork_child()))
		return wt_fdtable_entry(fd);
	struct wt_vfork_child *vfork_child = viewer();
	return vfork_child ? wt_vfork_child_entry(vfork_child, fd) : NULL;
}

void wt_fdtable_learn(int fd, union wt_verdict verdict, uint64_t description)
{
	uint64_t unknown = 0, none = 0;
	struct wt_fd *entry =
		unlikely(wt_process_is_vfork_child()) ? entry_to_note(fd) : entry_made(fd);

	if (!entry)
		return;
	atomic_compare_exchange_strong(&entry->description, &none, description);
	atomic_compare_exchange_strong(&entry->verdict, &unknown, verdict.word);
}

void wt_fdtable_revise(int fd, union wt_verdict known, union wt_verdict verdict)
{
	struct wt_fd *entry = wt_fdtable_entry(fd);

	if (entry)
		atomic_compare_exchange_strong(&entry->verdict, &known.word, verdict.word);
}

void wt_fdtable_note_file(int fd, uint64_t file)
{
	struct wt_fd *entry = entry_to_note(fd);

	if (entry)
		atomic_store_explicit(&entry->file, file, memory_order_relaxed);
}

void wt_fdtable_note_called(int fd, union wt_verdict verdict)
{
	struct wt_fd *entry =
		unlikely(wt_process_is_vfork_child()) ? entry_to_note(fd) : entry_made(fd);

	if (entry)
		atomic_store_explicit(&entry->called, verdict.word, memory_order_relaxed);
}

void wt_fdtable_note_own_flags(int fd, int flags)
{
	struct wt_fd *entry = entry_to_note(fd);

	if (entry)
		atomic_store_explicit(&entry->own_flags, flags, memory_order_relaxed);
}

/* The number where a search goes on: a chunk without entries is skipped. */
static unsigned int next_after(unsigned int fd, const struct wt_fd *entry,
			       const struct wt_vfork_child *vfork_child)
{
	return entry || vfork_child ? fd + 1
				    : (unsigned int)wt_round_down(fd, WT_FD_CHUNK) + WT_FD_CHUNK;
}

int wt_fdtable_next_ruled(int fd)
{
	struct wt_vfork_child *vfork_child = viewer();
	unsigned int at = fd;

	while (at < atomic_load_explicit(&end, memory_order_relaxed)) {
		const struct wt_fd *entry = entry_seen_by(vfork_child, at);
		union wt_verdict verdict = { entry ? entry->verdict : 0 };

		if (verdict.state == WT_RULED)
			return at;
		at = next_after(at, entry, vfork_child);
	}
	return -1;
}

bool wt_fdtable_has_other(int fd, const struct stat *file)
{
	uint64_t hash = wt_inode_hash(file->st_dev, file->st_ino);
	struct stat st;

	for (int at = wt_fdtable_next_ruled(0); at >= 0; at = wt_fdtable_next_ruled(at + 1)) {
		uint64_t known = wt_fdtable_file(at);

		/* The number may be another file's now, closed unseen, so the file is asked. */
		if (at != fd && (!known || known == hash) && !wt_sys.identify(at, &st) &&
		    wt_is_same_file(&st, file))
			return true;
	}
	return false;
}

/* The description of the first descriptor from *fd on that has a known one, or 0. Moves *fd. */
static uint64_t next_description(unsigned int *fd)
{
	struct wt_vfork_child *vfork_child = viewer();

	while (*fd < atomic_load_explicit(&end, memory_order_relaxed)) {
		const struct wt_fd *entry = entry_seen_by(vfork_child, *fd);

		if (entry && entry->description)
			return entry->description;
		*fd = next_after(*fd, entry, vfork_child);
	}
	return 0;
}

void wt_fdtable_each_description(void (*visit)(uint64_t description))
{
	uint64_t description;

	for (unsigned int fd = 0; (description = next_description(&fd)); fd++)
		visit(description);
}

bool wt_fdtable_has(uint64_t description)
{
	uint64_t other;

	for (unsigned int fd = 0; (other = next_description(&fd)); fd++)
		if (other == description)
			return true;
	return false;
}

void wt_fdtable_doubt(const struct stat *file)
{
	struct wt_vfork_child *vfork_child = viewer();
	struct stat st;

	for (unsigned int fd = 0; fd < atomic_load_explicit(&end, memory_order_relaxed);) {
		struct wt_fd *entry = entry_seen_by(vfork_child, fd);
		uint64_t word = entry ? atomic_load(&entry->verdict) : 0;

		if (word && !wt_sys.identify(fd, &st) && wt_is_same_file(&st, file))
			atomic_compare_exchange_strong(&entry->verdict, &word, 0);
		fd = next_after(fd, entry, vfork_child);
	}
}

void wt_fdtable_forget(int fd)
{
	static const union wt_verdict unknown;

	wt_fdtable_set(fd, unknown, 0);
}

void wt_fdtable_forget_range(unsigned int first, unsigned int last)
{
	struct wt_vfork_child *vfork_child = viewer();
	unsigned int past = atomic_load(&end);

	for (unsigned int fd = first; fd <= last && fd < past;) {
		const struct wt_fd *entry = entry_seen_by(vfork_child, fd);

		if (entry && (entry->verdict || entry->description || entry->called))
			wt_fdtable_forget(fd);
		fd = next_after(fd, entry, vfork_child);
	}
}
