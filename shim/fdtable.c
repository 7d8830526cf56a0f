/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#include "fdtable.h"

#include <sys/mman.h>

#include "stats.h"
#include "sys.h"

WT_LARGE struct wt_fd *_Atomic wt_fdtable[WT_FD_CHUNKS];
_Atomic bool wt_fdtable_is_split;

/* No entry was ever made from this descriptor on. */
static _Atomic unsigned int end;

void wt_fdtable_split(void)
{
	atomic_store(&wt_fdtable_is_split, true);
}

/* Two threads may map the same chunk at once; the second takes the first's. */
static struct wt_fd *entry_made(int fd)
{
	unsigned int chunk = (unsigned int)fd / WT_FD_CHUNK;
	struct wt_fd *entry = wt_fdtable_entry(fd);

	if (entry || chunk >= WT_FD_CHUNKS || wt_fdtable_is_split)
		return entry;
	size_t size = WT_FD_CHUNK * sizeof(struct wt_fd);
	struct wt_fd *made =
		mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (made == MAP_FAILED)
		return NULL;
	/* Before the entries can be found, so that a search goes as far. */
	unsigned int past = (chunk + 1) * WT_FD_CHUNK, before = atomic_load(&end);
	while (before < past && !atomic_compare_exchange_weak(&end, &before, past))
		;
	struct wt_fd *expected = NULL;
	if (!atomic_compare_exchange_strong(&wt_fdtable[chunk], &expected, made))
		munmap(made, size);
	return wt_fdtable_entry(fd);
}

static bool is_known_as(const struct wt_fd *entry, union wt_verdict verdict, uint64_t description)
{
	return atomic_load_explicit(&entry->verdict, memory_order_relaxed) == verdict.word &&
	       atomic_load_explicit(&entry->description, memory_order_relaxed) == description &&
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
	atomic_store_explicit(&entry->verdict, verdict.word, memory_order_release);
}

void wt_fdtable_set(int fd, union wt_verdict verdict, uint64_t description)
{
	/* Nothing known and nothing to say: most descriptors of most programs. */
	struct wt_fd *entry = verdict.word || description ? entry_made(fd) : wt_fdtable_entry(fd);

	if (!entry || is_known_as(entry, verdict, description))
		return;
	/* The number is one file here and another in the parent: both look on their next write. */
	if (unlikely(wt_stats_is_guest()))
		atomic_store_explicit(&entry->verdict, 0, memory_order_relaxed);
	else
		replace(entry, verdict, description);
}

void wt_fdtable_learn(int fd, union wt_verdict verdict, uint64_t description)
{
	uint64_t unknown = 0, none = 0;

	if (unlikely(wt_stats_is_guest()))
		return;
	struct wt_fd *entry = entry_made(fd);
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
	struct wt_fd *entry = wt_fdtable_entry(fd);

	if (entry && !wt_stats_is_guest())
		atomic_store_explicit(&entry->file, file, memory_order_relaxed);
}

void wt_fdtable_note_own_flags(int fd, int flags)
{
	struct wt_fd *entry = wt_fdtable_entry(fd);

	if (entry && !wt_stats_is_guest())
		atomic_store_explicit(&entry->own_flags, flags, memory_order_relaxed);
}

int wt_fdtable_next_ruled(int fd)
{
	while (fd < (int)atomic_load_explicit(&end, memory_order_relaxed)) {
		if (!wt_fdtable_entry(fd))
			fd = wt_round_down(fd, WT_FD_CHUNK) + WT_FD_CHUNK;
		else if (wt_fdtable_get(fd).state == WT_RULED)
			return fd;
		else
			fd++;
	}
	return -1;
}

/* The description of the lowest descriptor from *fd on that has one, or 0. */
static uint64_t next_description(unsigned int *fd)
{
	for (; *fd < atomic_load_explicit(&end, memory_order_relaxed); ++*fd) {
		uint64_t description = wt_fdtable_description(*fd);

		if (description)
			return description;
		if (!wt_fdtable_entry(*fd))
			*fd = wt_round_down(*fd, WT_FD_CHUNK) + WT_FD_CHUNK - 1;
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
	struct stat st;

	for (unsigned int fd = 0; fd < atomic_load_explicit(&end, memory_order_relaxed); fd++) {
		struct wt_fd *entry = wt_fdtable_entry(fd);
		uint64_t word = entry ? atomic_load(&entry->verdict) : 0;

		if (!entry)
			fd = wt_round_down(fd, WT_FD_CHUNK) + WT_FD_CHUNK - 1;
		else if (word && !wt_sys.identify(fd, &st) && wt_is_same_file(&st, file))
			atomic_compare_exchange_strong(&entry->verdict, &word, 0);
	}
}

void wt_fdtable_forget(int fd)
{
	static const union wt_verdict unknown;
	struct wt_fd *entry = wt_fdtable_entry(fd);

	if (entry && !is_known_as(entry, unknown, 0) && !wt_stats_is_guest())
		replace(entry, unknown, 0);
}

void wt_fdtable_forget_range(unsigned int first, unsigned int last)
{
	unsigned int past = atomic_load(&end);

	for (uint64_t fd = first; fd <= last && fd < past;) {
		if (wt_fdtable_entry(fd))
			wt_fdtable_forget(fd++);
		else
			fd = wt_round_down(fd, WT_FD_CHUNK) + WT_FD_CHUNK;
	}
}
