/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#include "state/elide.h"

#include <stdatomic.h>

#include "base/base.h"
#include "base/reason.h"
#include "os/sys.h"
#include "report/stats.h"

#define FILES 1024u
#define LOOKED_THROUGH_BYTES (16 << 20)

/*
 * `doubts` counts what happened to files of this hash, `never` says that some of them cannot be
 * watched; `synced` holds the file (high half) that was last synced, and the doubts that
 * this ended (low half).
 */
struct file {
	_Atomic uint32_t doubts;
	_Atomic uint32_t never;
	_Atomic uint64_t synced;
};

static struct file *files;

int wt_elide_init(void)
{
	void *map;
	int err = wt_sys_map_shared(FILES * sizeof(*files), &map);

	if (!err)
		files = map;
	return err;
}

/* 0 where the file cannot be told apart. */
static uint64_t hash_of(int fd)
{
	struct stat st;

	return files && !wt_sys.identify(fd, &st) ? wt_inode_hash(st.st_dev, st.st_ino) : 0;
}

static struct file *file_of(uint64_t hash)
{
	return &files[hash % FILES];
}

void wt_elide_doubt(int fd)
{
	uint64_t hash = hash_of(fd);

	if (hash)
		atomic_fetch_add(&file_of(hash)->doubts, 1);
}

void wt_elide_never(int fd)
{
	uint64_t hash = hash_of(fd);

	if (hash)
		atomic_store(&file_of(hash)->never, 1);
}

/* The low half of the hash chose the place, the high half tells files there apart. */
static uint64_t as_word(const struct wt_elide *asked)
{
	return wt_round_down(asked->file, 1ULL << 32) | (uint32_t)asked->doubts;
}

/*
 * What came by a way that libwt does not see is dirty until the kernel writes it, some seconds
 * later. To look through a large file would take longer than to sync it.
 */
static bool has_unclean_pages(int fd)
{
	struct stat st;
	struct wt_pages pages;

	if (wt_sys.identify(fd, &st) || st.st_size > LOOKED_THROUGH_BYTES)
		return true;
	if (!wt_sys.cachestat(fd, 0, 0, &pages))
		return pages.unclean;
	wt_stats_event(WT_EVENT_FALL, fd, "fsync=elide", "fsync=keep",
		       wt_reason_text(WT_WHY_NO_CACHESTAT));
	return true;
}

bool wt_elide_ask(struct wt_elide *asked, int fd)
{
	asked->file = hash_of(fd);
	if (!asked->file)
		return false;
	struct file *file = file_of(asked->file);

	asked->doubts = atomic_load(&file->doubts);
	return atomic_load(&file->synced) == as_word(asked) && !atomic_load(&file->never) &&
	       !has_unclean_pages(fd);
}

void wt_elide_synced(const struct wt_elide *asked)
{
	if (asked->file)
		atomic_store(&file_of(asked->file)->synced, as_word(asked));
}
