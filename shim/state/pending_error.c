/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#include "state/pending_error.h"

#include <fcntl.h>
#include <stdatomic.h>
#include <sys/sysmacros.h>

#include "base/base.h"
#include "os/sys.h"
#include "report/log.h"

#define PLACES 4096u
#define TRIES 64u

/* A word of a table: a key in the high 48 bits, below it the mark CLOSED and an errno. */
#define KEY_SHIFT 16
#define CLOSED 0x8000u
#define ERRNO_MASK 0x7fffu

struct table {
	_Atomic bool any;
	_Atomic bool is_full_logged;
	_Atomic uint64_t descriptions[PLACES];
	_Atomic uint64_t files[PLACES];
};

/* The table before wt_pending_error_init, and if that failed: this process's own. */
WT_LARGE struct table wt_pending_error_without;
static struct table *table = &wt_pending_error_without;

int wt_pending_error_init(void)
{
	void *map;
	int err = wt_sys_map_shared(sizeof(*table), &map);

	if (!err)
		table = map;
	return err;
}

bool wt_pending_error_any(void)
{
	return unlikely(atomic_load_explicit(&table->any, memory_order_relaxed));
}

static _Atomic uint64_t *place_of(_Atomic uint64_t *places, uint64_t key, unsigned int i)
{
	return &places[(key + i) % PLACES];
}

static _Atomic uint64_t *find(_Atomic uint64_t *places, uint64_t key)
{
	for (unsigned int i = 0; i < TRIES; i++) {
		_Atomic uint64_t *at = place_of(places, key, i);

		if (atomic_load(at) >> KEY_SHIFT == key)
			return at;
	}
	return NULL;
}

/*
 * Stores the word in a free place, or else in that of a closed description. False if there is none.
 */
static bool claim(_Atomic uint64_t *places, uint64_t key, uint64_t word)
{
	for (int closed = 0; closed <= 1; closed++) {
		for (unsigned int i = 0; i < TRIES; i++) {
			_Atomic uint64_t *at = place_of(places, key, i);
			uint64_t other = atomic_load(at);

			if (other && !(closed && other & CLOSED))
				continue;
			if (atomic_compare_exchange_strong(at, &other, word))
				return true;
		}
	}
	return false;
}

static void keep(_Atomic uint64_t *places, uint64_t key, int err)
{
	uint64_t word = key << KEY_SHIFT | (unsigned int)-err;
	_Atomic uint64_t *at = find(places, key);

	atomic_store(&table->any, true);
	if (at)
		atomic_store(at, word);
	else if (!claim(places, key, word) && !atomic_exchange(&table->is_full_logged, true))
		wt_log(WT_LOG_ERROR, "too many files with write errors: the next fsync of some of "
				     "them may not repeat its error");
}

static int error_of(_Atomic uint64_t *places, uint64_t key)
{
	const _Atomic uint64_t *at = key ? find(places, key) : NULL;

	return at ? -(int)(atomic_load(at) & ERRNO_MASK) : 0;
}

/* Two threads that stored an error at the same time may have used two places. */
static void forget(_Atomic uint64_t *places, uint64_t key)
{
	_Atomic uint64_t *at;

	while (key && (at = find(places, key)))
		atomic_store(at, 0);
}

/*
 * The key of a file, 48 bits; 0 if it cannot be identified. To ask for the time of birth does not
 * mark the other times as seen (wt_sys.identify).
 */
static uint64_t key_of(int fd)
{
	struct statx stx;
	struct stat st;

	if (!wt_sys.statx(fd, "", AT_EMPTY_PATH, STATX_INO | STATX_BTIME, &stx)) {
		uint64_t file =
			wt_inode_hash(makedev(stx.stx_dev_major, stx.stx_dev_minor), stx.stx_ino);

		return wt_inode_hash(file, stx.stx_btime.tv_sec * 1000000000ULL +
						   stx.stx_btime.tv_nsec) >>
		       KEY_SHIFT;
	}
	return wt_sys.identify(fd, &st) ? 0 : wt_inode_hash(st.st_dev, st.st_ino) >> KEY_SHIFT;
}

void wt_pending_error_keep(uint64_t description, int err)
{
	if (description)
		keep(table->descriptions, description, err);
}

void wt_pending_error_keep_for_later(int fd, int err)
{
	uint64_t file = key_of(fd);

	if (file)
		keep(table->files, file, err);
}

void wt_pending_error_opened(int fd, uint64_t description)
{
	int err = wt_pending_error_any() ? error_of(table->files, key_of(fd)) : 0;

	if (err)
		wt_pending_error_keep(description, err);
}

void wt_pending_error_closed(uint64_t description)
{
	if (!description || likely(!wt_pending_error_any()))
		return;
	_Atomic uint64_t *at = find(table->descriptions, description);
	if (at)
		atomic_fetch_or(at, CLOSED);
}

int wt_pending_error_take(int fd, uint64_t description)
{
	if (!wt_pending_error_any())
		return 0;
	if (!description)
		return error_of(table->files, key_of(fd));
	int err = error_of(table->descriptions, description);
	if (err)
		forget(table->descriptions, description);
	return err;
}

void wt_pending_error_told(int fd)
{
	if (wt_pending_error_any())
		forget(table->files, key_of(fd));
}
