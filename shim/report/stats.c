/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#include "report/stats.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/base.h"
#include "os/fd_path.h"
#include "os/process.h"
#include "os/sys.h"
#include "os/thread.h"

#define FILES 8192u
#define FILES_PROBED 64u

typedef _Atomic uint64_t slot;

/* Wiped in a forked child. All zero is the state of a process that has counted nothing yet. */
struct counters {
	struct wt_process process; /* whose counters these are */
	_Atomic uint64_t start_ns;
	_Atomic uint64_t started_ms; /* the same moment by the wall clock */
	atomic_bool claimed;
	_Atomic uint64_t files_lost;
	_Atomic uint64_t events_lost[WT_EVENT_KINDS];
	slot event_keys[WT_EVENTS];
	struct wt_event events[WT_EVENTS];
	slot file_keys[FILES];
	struct wt_row rows[][WT_ROWS];
};

static struct counters *counters;
static size_t rules_len;
static bool keeps_time;

static void add(_Atomic uint64_t *counter, uint64_t value)
{
	atomic_fetch_add_explicit(counter, value, memory_order_relaxed);
}

static uint64_t get(const _Atomic uint64_t *counter)
{
	return atomic_load_explicit(counter, memory_order_relaxed);
}

static void note_start(void)
{
	if (!keeps_time)
		return;
	atomic_store(&counters->start_ns, wt_sys_now_ns());
	atomic_store(&counters->started_ms, wt_sys_unix_ms());
}

/* The child of a bare clone(2) has no id until it counts something. */
static void begin_counting(void)
{
	wt_process_id();
}

int wt_stats_init(size_t rules)
{
	size_t size = sizeof(*counters) + rules * sizeof(counters->rows[0]);
	void *map;
	int err = wt_sys_map_wiped(size, &map);

	if (err)
		return err;
	rules_len = rules;
	counters = map;
	wt_process_init(&counters->process, note_start);
	return 0;
}

void wt_stats_keep_time(void)
{
	keeps_time = true;
	if (counters)
		note_start();
}

bool wt_stats_claim_report(void)
{
	if (!counters)
		return false;
	return wt_process_id() == getpid() && !atomic_exchange(&counters->claimed, true);
}

void wt_stats_unclaim_report(void)
{
	if (counters)
		atomic_store(&counters->claimed, false);
}

uint64_t wt_stats_elapsed_ms(void)
{
	uint64_t start_ns = counters ? get(&counters->start_ns) : 0;

	return start_ns ? (wt_sys_now_ns() - start_ns) / 1000000 : 0;
}

uint64_t wt_stats_started_ms(void)
{
	return counters ? get(&counters->started_ms) : 0;
}

enum found { FOUND, ADDED, FULL };

/*
 * A set without a lock. A key is one word, put into the first free slot from `start` on by
 * compare-and-swap. *ret_index is its slot. Only the caller that put the key there gets ADDED.
 */
static enum found set_insert(slot *slots, size_t len, size_t start, size_t probes, uint64_t key,
			     size_t *ret_index)
{
	for (size_t i = 0; i < probes; i++) {
		size_t index = (start + i) % len;
		uint64_t there = get(&slots[index]);

		*ret_index = index;
		if (!there && atomic_compare_exchange_strong(&slots[index], &there, key))
			return ADDED;
		if (there == key)
			return FOUND;
	}
	return FULL;
}

/* Hashes a value into a key. The result is never 0, which marks a free slot. */
static uint64_t mix(uint64_t key, uint64_t value)
{
	key = (key ^ value) * 0x9e3779b97f4a7c15ULL;
	key ^= key >> 32;
	return key ? key : 1;
}

static struct wt_row *row_at(size_t rule, unsigned int row_id)
{
	return counters && rule < rules_len ? &counters->rows[rule][row_id] : NULL;
}

void wt_stats_file(size_t rule, unsigned int row_id, const char *reason, dev_t dev, ino_t ino)
{
	uint64_t key = mix(mix(mix(mix(1, rule), row_id), dev), ino);
	struct wt_row *row = row_at(rule, row_id);
	const char *none = NULL;
	size_t index;

	if (!row)
		return;
	begin_counting();
	atomic_compare_exchange_strong(&row->reason, &none, reason);
	switch (set_insert(counters->file_keys, FILES, key % FILES, FILES_PROBED, key, &index)) {
	case ADDED:
		add(&row->files, 1);
		break;
	case FULL:
		add(&counters->files_lost, 1);
		break;
	case FOUND:
		break;
	}
}

/* A bucket's number is its octave and the two bits below the leading one. */
static unsigned int bucket_of(uint64_t ns)
{
	const uint64_t most = (1ULL << WT_LATENCY_BUCKETS / 4) - 1;

	if (ns > most)
		ns = most;
	unsigned int octave = 63 - __builtin_clzll(ns | 1);
	return 4 * octave + (ns << 2 >> octave & 3);
}

static uint64_t bucket_middle_ns(unsigned int bucket)
{
	return ((9 + 2 * (uint64_t)(bucket % 4)) << bucket / 4) / 8;
}

void wt_stats_write(size_t rule, unsigned int row_id, ssize_t result, uint64_t ns)
{
	struct wt_row *row = row_at(rule, row_id);

	if (unlikely(!row))
		return;
	begin_counting();
	add(&row->writes, 1);
	if (result < 0)
		add(&row->errors, 1);
	else
		add(&row->bytes, result);
	add(&row->latency.buckets[bucket_of(ns)], 1);
	uint64_t max = get(&row->latency.max_ns);
	while (ns > max && !atomic_compare_exchange_weak(&row->latency.max_ns, &max, ns))
		;
}

void wt_stats_submitted(size_t rule, unsigned int row_id, uint64_t bytes)
{
	struct wt_row *row = row_at(rule, row_id);

	if (unlikely(!row))
		return;
	begin_counting();
	add(&row->writes, 1);
	add(&row->bytes, bytes);
}

void wt_stats_elided(size_t rule, unsigned int row_id)
{
	struct wt_row *row = row_at(rule, row_id);

	if (unlikely(!row))
		return;
	begin_counting();
	add(&row->elided, 1);
}

uint64_t wt_latency_quantile_ns(const struct wt_latency *latency, unsigned int per_mille)
{
	uint64_t max = get(&latency->max_ns);
	uint64_t total = 0, below = 0;

	for (unsigned int i = 0; i < WT_LATENCY_BUCKETS; i++)
		total += get(&latency->buckets[i]);
	uint64_t rank = total / 1000 * per_mille + (total % 1000 * per_mille + 999) / 1000;
	for (unsigned int i = 0; i < WT_LATENCY_BUCKETS; i++) {
		below += get(&latency->buckets[i]);
		if (below && below >= rank)
			return bucket_middle_ns(i) < max ? bucket_middle_ns(i) : max;
	}
	return max;
}

/* The tail does not begin in the middle of a UTF-8 character. */
void wt_stats_shorten(char path[WT_EVENT_PATH], const char *full, int len)
{
	const char *tail = full + len - (WT_EVENT_PATH - sizeof("..."));

	if (len < WT_EVENT_PATH) {
		memcpy(path, full, len + 1);
		return;
	}
	for (int i = 0; i < 3 && (*tail & 0xc0) == 0x80; i++)
		tail++;
	stpcpy(stpcpy(path, "..."), tail);
}

/* Uses a mapping for the path, because a signal handler may write on a small stack. */
static void name_file(char path[WT_EVENT_PATH], int fd, const struct stat *st)
{
	char *full =
		mmap(NULL, PATH_MAX, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	int len = full == MAP_FAILED ? -ENOMEM : wt_fd_path(fd, full, PATH_MAX);

	if (len >= 0)
		wt_stats_shorten(path, full, len);
	else if (!st->st_ino)
		strcpy(path, "a file that cannot be looked at");
	else
		snprintf(path, WT_EVENT_PATH, "inode %ju of device %u:%u", (uintmax_t)st->st_ino,
			 major(st->st_dev), minor(st->st_dev));
	if (full != MAP_FAILED)
		munmap(full, PATH_MAX);
}

void wt_stats_path(int fd, char path[WT_EVENT_PATH])
{
	struct stat st = { 0 };

	wt_sys.identify(fd, &st);
	name_file(path, fd, &st);
}

/*
 * Includes the time when the file was made (st_ctim of wt_sys.identify), because a new file may get
 * the inode number of a removed one.
 */
static uint64_t file_key(const struct stat *st)
{
	uint64_t key = mix(mix(1, st->st_dev), st->st_ino);

	return mix(mix(key, st->st_ctim.tv_sec), st->st_ctim.tv_nsec);
}

/*
 * Counts an event like `event`, on `path` or, if that is NULL, on the file behind `fd`. Returns the
 * stored event, or NULL if the table is full.
 */
static struct wt_event *count_event(uint64_t key, const struct wt_event *event, const char *path,
				    int fd, const struct stat *st)
{
	size_t index;

	key = mix(mix(key, event->kind), event->file);
	key = mix(mix(mix(key, (uintptr_t)event->from), (uintptr_t)event->to),
		  (uintptr_t)event->reason);
	enum found found = set_insert(counters->event_keys, WT_EVENTS, 0, WT_EVENTS, key, &index);
	struct wt_event *event_slot = &counters->events[index];
	if (found == FULL) {
		add(&counters->events_lost[event->kind], 1);
		return NULL;
	}
	add(&event_slot->count, 1);
	if (found != ADDED)
		return event_slot;
	event_slot->kind = event->kind;
	event_slot->from = event->from;
	event_slot->to = event->to;
	event_slot->reason = event->reason;
	event_slot->file = event->file;
	if (path)
		strcpy(event_slot->path, path);
	else
		name_file(event_slot->path, fd, st);
	atomic_store_explicit(&event_slot->ready, true, memory_order_release);
	return event_slot;
}

void wt_stats_event(enum wt_event_kind kind, int fd, const char *from, const char *to,
		    const char *reason)
{
	struct stat st = { 0 };

	if (!counters)
		return;
	begin_counting();
	wt_sys.identify(fd, &st);
	const struct wt_event event = {
		.kind = kind, .from = from, .to = to, .reason = reason, .file = file_key(&st)
	};
	count_event(1, &event, NULL, fd, &st);
}

void wt_stats_program(uint64_t program, const char path[WT_EVENT_PATH], const char *way,
		      uint64_t count)
{
	const struct wt_event event = { .kind = WT_EVENT_NOT_COVERED,
					.reason = way,
					.file = program };

	if (!counters)
		return;
	begin_counting();
	struct wt_event *counted = count_event(1, &event, path, -1, NULL);
	if (counted)
		add(&counted->count, count - 1);
}

void wt_stats_of_process(enum wt_event_kind kind, const char *reason)
{
	const struct wt_event event = { .kind = kind, .reason = reason };

	if (!counters)
		return;
	begin_counting();
	count_event(1, &event, "any file", -1, NULL);
}

void wt_stats_event_of(enum wt_event_kind kind, const char *what, const char *reason)
{
	struct wt_event event = { .kind = kind, .reason = reason };
	char path[WT_EVENT_PATH];

	if (!counters)
		return;
	begin_counting();
	for (const char *at = what; *at; at++)
		event.file = mix(event.file, (unsigned char)*at);
	wt_stats_shorten(path, what, strlen(what));
	count_event(1, &event, path, -1, NULL);
}

void wt_stats_came_true(void)
{
	int errno_before = *wt_thread_errno();

	for (size_t i = 0; i < WT_EVENTS; i++) {
		const struct wt_event *event = wt_stats_event_at(i);

		if (!event || event->kind != WT_EVENT_MAY_HAPPEN)
			continue;
		const struct wt_event true_now = { .kind = WT_EVENT_NOT_COVERED,
						   .reason = event->reason,
						   .file = event->file };
		count_event(1, &true_now, event->path, -1, NULL);
	}
	*wt_thread_errno() = errno_before;
}

static uint64_t path_key(const char *path)
{
	uint64_t key = 1;

	while (*path)
		key = mix(key, (unsigned char)*path++);
	return key;
}

void wt_stats_renamed(int fd)
{
	char path[WT_EVENT_PATH];
	struct stat st;

	if (!counters || !wt_stats_event_at(0) || wt_sys.identify(fd, &st))
		return;
	name_file(path, fd, &st);
	for (size_t i = 0; i < WT_EVENTS; i++) {
		const struct wt_event *event = wt_stats_event_at(i);

		if (event && event->kind == WT_EVENT_NOT_COVERED && event->file == file_key(&st) &&
		    strcmp(event->path, path))
			count_event(path_key(path), event, path, fd, &st);
	}
}

const struct wt_row *wt_stats_row(size_t rule, unsigned int row_id)
{
	return row_at(rule, row_id);
}

const struct wt_event *wt_stats_event_at(size_t index)
{
	const struct wt_event *event = counters ? &counters->events[index] : NULL;

	return event && atomic_load_explicit(&event->ready, memory_order_acquire) ? event : NULL;
}

uint64_t wt_stats_events_lost(enum wt_event_kind kind)
{
	return counters ? get(&counters->events_lost[kind]) : 0;
}

uint64_t wt_stats_files_lost(void)
{
	return counters ? get(&counters->files_lost) : 0;
}

bool wt_stats_any(void)
{
	for (size_t rule = 0; rule < rules_len; rule++) {
		for (unsigned int row_id = 0; row_id < WT_ROWS; row_id++) {
			const struct wt_row *row = row_at(rule, row_id);
			if (get(&row->files) || get(&row->writes))
				return true;
		}
	}
	return wt_stats_event_at(0) != NULL;
}
