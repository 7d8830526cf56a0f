/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#include "report/unruled.h"

#include <stdatomic.h>
#include <string.h>

#include "base/base.h"
#include "os/sys.h"
#include "os/thread.h"
#include "report/stats.h"

#define SETS (WT_UNRULED_FILES / WT_UNRULED_SET)

/* The tag of a place that is being filled. */
#define BUSY 1u

/*
 * A try fails only because another thread has succeeded, or because this is a signal handler that
 * interrupted its own thread in the middle.
 */
#define FIND_TRIES 100

struct place {
	_Atomic uint32_t tag; /* 0: free */
	_Atomic uint32_t openings;
	_Atomic uint64_t writes;
	_Atomic uint64_t bytes;
	_Atomic uint64_t grown;
	_Atomic uint64_t size; /* when it was last looked at, in bytes */
};

struct table {
	_Atomic bool used;
	_Atomic uint64_t other_files, other_writes, other_bytes;
	struct place places[WT_UNRULED_FILES];
	char paths[WT_UNRULED_FILES][WT_UNRULED_PATH];
};

static struct table *table;

static void add(_Atomic uint64_t *counter, uint64_t value)
{
	atomic_fetch_add_explicit(counter, value, memory_order_relaxed);
}

static uint64_t get(const _Atomic uint64_t *counter)
{
	return atomic_load_explicit(counter, memory_order_relaxed);
}

/*
 * An atomic addition costs ten times as much as a plain one, so it is made only if there are
 * threads.
 */
static void add_fast(_Atomic uint64_t *counter, uint64_t value)
{
	if (wt_thread_is_only())
		atomic_store_explicit(counter, get(counter) + value, memory_order_relaxed);
	else
		add(counter, value);
}

int wt_unruled_init(void)
{
	void *map;
	int err = wt_sys_map_wiped(sizeof(*table), &map);

	if (!err)
		table = map;
	return err;
}

static uint64_t bytes_of(const struct place *place)
{
	return get(&place->writes) ? get(&place->bytes) : get(&place->grown);
}

static uint64_t hash_of(const char *path)
{
	uint64_t hash = 14695981039346656037ULL;

	for (; *path; path++)
		hash = (hash ^ (unsigned char)*path) * 1099511628211ULL;
	return hash ^ hash >> 29;
}

/*
 * Whether the path is one that the kernel makes up, or of a file in memory only: no rule is
 * missing.
 */
static bool is_no_file(const char *path)
{
	return !strncmp(path, "/proc/", 6) || !strncmp(path, "/sys/", 5) ||
	       !strncmp(path, "/memfd:", 7);
}

/* Takes the place, if it still has this tag, and adds its figures to those of all others. */
static bool take_place(struct place *place, uint32_t tag)
{
	if (!atomic_compare_exchange_strong(&place->tag, &tag, BUSY))
		return false;
	if (bytes_of(place)) {
		add(&table->other_files, 1);
		add(&table->other_writes, get(&place->writes));
		add(&table->other_bytes, bytes_of(place));
	}
	atomic_store_explicit(&place->openings, 0, memory_order_relaxed);
	atomic_store_explicit(&place->writes, 0, memory_order_relaxed);
	atomic_store_explicit(&place->bytes, 0, memory_order_relaxed);
	atomic_store_explicit(&place->grown, 0, memory_order_relaxed);
	atomic_store_explicit(&place->size, 0, memory_order_relaxed);
	return true;
}

/*
 * The place in the set that is this path's; or else a free one; or else the one with the fewest
 * bytes.
 */
static struct place *best_of(struct place *set, uint32_t tag)
{
	struct place *best = NULL;

	for (unsigned int i = 0; i < WT_UNRULED_SET; i++) {
		/*
		 * Starts at a place that depends on the tag, so that not always the same one of
		 * equals is chosen.
		 */
		struct place *place = &set[(i + tag) % WT_UNRULED_SET];
		uint32_t there = atomic_load_explicit(&place->tag, memory_order_acquire);

		if (there == tag)
			return place;
		if (there == BUSY || (best && !best->tag))
			continue;
		if (!there || !best || bytes_of(place) < bytes_of(best))
			best = place;
	}
	return best;
}

/* Makes one try to find or take the path's place: false if another thread was faster. */
static bool find_place(const char *path, uint64_t hash, struct wt_unruled *file)
{
	struct place *place =
		best_of(&table->places[(hash >> 32) % SETS * WT_UNRULED_SET], file->tag);
	if (!place)
		return false;
	uint32_t there = atomic_load_explicit(&place->tag, memory_order_relaxed);
	file->place = place - table->places;
	if (there == file->tag)
		return true;
	if (there == BUSY || !take_place(place, there))
		return false;
	atomic_store_explicit(&table->used, true, memory_order_relaxed);
	wt_stats_shorten(table->paths[file->place], path, strlen(path));
	atomic_store_explicit(&place->tag, file->tag, memory_order_release);
	return true;
}

struct wt_unruled wt_unruled_find(const char *path)
{
	static const struct wt_unruled none;

	if (!table || is_no_file(path))
		return none;
	uint64_t hash = hash_of(path);
	struct wt_unruled file = { 0, (uint32_t)hash > BUSY ? (uint32_t)hash : BUSY + 1 };
	for (unsigned int tries = 0; tries < FIND_TRIES; tries++) {
		if (find_place(path, hash, &file))
			return file;
	}
	return none;
}

/* The place, or NULL if it is free or another path's by now. */
static struct place *place_of(struct wt_unruled file)
{
	struct place *place = table ? &table->places[file.place % WT_UNRULED_FILES] : NULL;

	return place && atomic_load_explicit(&place->tag, memory_order_relaxed) == file.tag ? place
											    : NULL;
}

void wt_unruled_opened(struct wt_unruled file, uint64_t size)
{
	struct place *place = file.tag ? place_of(file) : NULL;

	/* What the file grew while no descriptor of this process was open was written by others. */
	if (place && !atomic_fetch_add(&place->openings, 1))
		atomic_store_explicit(&place->size, size, memory_order_relaxed);
}

bool wt_unruled_wrote(struct wt_unruled file, uint64_t bytes)
{
	struct place *place = place_of(file);

	if (likely(place)) {
		add_fast(&place->writes, 1);
		add_fast(&place->bytes, bytes);
		return true;
	}
	if (!table || !atomic_load(&table->places[file.place % WT_UNRULED_FILES].tag))
		return false;
	add(&table->other_writes, 1);
	add(&table->other_bytes, bytes);
	return true;
}

void wt_unruled_closed(struct wt_unruled file)
{
	struct place *place = file.tag ? place_of(file) : NULL;

	if (place && atomic_load(&place->openings))
		atomic_fetch_sub(&place->openings, 1);
}

bool wt_unruled_wants_size(struct wt_unruled file)
{
	const struct place *place = file.tag ? place_of(file) : NULL;

	return place && !get(&place->writes);
}

void wt_unruled_resized(struct wt_unruled file, uint64_t size, uint64_t pending)
{
	struct place *place = file.tag ? place_of(file) : NULL;

	if (!place)
		return;
	size += pending;
	uint64_t before = atomic_exchange(&place->size, size);
	add(&place->grown, size > before ? size - before : 0);
}

static bool is_used(void)
{
	return table && atomic_load_explicit(&table->used, memory_order_relaxed);
}

static bool is_taken(const struct place *place)
{
	return atomic_load_explicit(&place->tag, memory_order_acquire) > BUSY;
}

static void add_to(struct wt_unruled_figures *others, const struct wt_unruled_figures *file)
{
	others->files += file->files;
	others->writes += file->writes;
	others->bytes += file->bytes;
}

/* Inserts the file by its bytes. The file that does not fit any more is added to the others. */
static size_t insert(struct wt_unruled_figures *top, size_t len, struct wt_unruled_figures file,
		     struct wt_unruled_figures *others)
{
	size_t at = len;

	while (at && top[at - 1].bytes < file.bytes)
		at--;
	if (at == WT_UNRULED_TOP) {
		add_to(others, &file);
		return len;
	}
	if (len == WT_UNRULED_TOP)
		add_to(others, &top[--len]);
	memmove(&top[at + 1], &top[at], (len - at) * sizeof(*top));
	top[at] = file;
	return len + 1;
}

/*
 * Adds up the places of the path whose first place is `index`; false if `index` is not the first. A
 * path has several places if threads saw it for the first time at the same moment.
 */
static bool read_file(unsigned int index, struct wt_unruled_figures *file)
{
	unsigned int first = wt_round_down(index, WT_UNRULED_SET);
	uint32_t tag = table->places[index].tag;

	*file = (struct wt_unruled_figures){ .path = table->paths[index], .files = 1 };
	for (unsigned int i = first; i < first + WT_UNRULED_SET; i++) {
		const struct place *place = &table->places[i];

		if (place->tag != tag)
			continue;
		if (i < index)
			return false;
		file->writes += get(&place->writes);
		file->bytes += bytes_of(place);
	}
	return true;
}

size_t wt_unruled_top(struct wt_unruled_figures top[WT_UNRULED_TOP + 1])
{
	struct wt_unruled_figures others = { .path = NULL }, file;
	size_t len = 0;

	if (!is_used())
		return 0;
	others.files = get(&table->other_files);
	others.writes = get(&table->other_writes);
	others.bytes = get(&table->other_bytes);
	for (unsigned int i = 0; i < WT_UNRULED_FILES; i++) {
		if (is_taken(&table->places[i]) && read_file(i, &file) && file.bytes)
			len = insert(top, len, file, &others);
	}
	if (others.bytes)
		top[len++] = others;
	return len;
}

bool wt_unruled_any(void)
{
	if (!is_used())
		return false;
	for (unsigned int i = 0; i < WT_UNRULED_FILES; i++) {
		if (is_taken(&table->places[i]) && bytes_of(&table->places[i]))
			return true;
	}
	return get(&table->other_bytes);
}
