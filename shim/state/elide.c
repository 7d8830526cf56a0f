/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#include "state/elide.h"

#include <stdatomic.h>

#include "base/base.h"
#include "base/reason.h"
#include "os/sys.h"
#include "report/stats.h"
#include "state/inode.h"

#define CHECKED_BYTES_MAX (16 << 20)

/* The wt_inode_hash of the file; 0 if it cannot be identified or the table is not shared. */
static uint64_t hash_of(int fd)
{
	struct stat st;

	return wt_inode_is_shared() && !wt_sys.identify(fd, &st)
		       ? wt_inode_hash(st.st_dev, st.st_ino)
		       : 0;
}

void wt_elide_doubt(int fd)
{
	uint64_t hash = hash_of(fd);

	if (hash)
		atomic_fetch_add(&wt_inode_of(hash)->doubts, 1);
}

void wt_elide_never(int fd)
{
	uint64_t hash = hash_of(fd);

	if (hash)
		atomic_store(&wt_inode_of(hash)->never, 1);
}

/*
 * What `synced` holds after a sync of this file at this count of doubts. The low half of the hash
 * has chosen the entry, the high half tells apart the files that share it.
 */
static uint64_t synced_word(const struct wt_elide *asked)
{
	return wt_round_down(asked->file, 1ULL << 32) | (uint32_t)asked->doubts;
}

/*
 * Bytes written by a way that libwt does not see are dirty until the kernel writes them some
 * seconds later. A large file counts as unclean: to check it would take longer than to sync it.
 */
static bool has_unclean_pages(int fd)
{
	struct stat st;
	struct wt_pages pages;

	if (wt_sys.identify(fd, &st) || st.st_size > CHECKED_BYTES_MAX)
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
	struct wt_inode *file = wt_inode_of(asked->file);

	asked->doubts = atomic_load(&file->doubts);
	return atomic_load(&file->synced) == synced_word(asked) && !atomic_load(&file->never) &&
	       !has_unclean_pages(fd);
}

void wt_elide_synced(const struct wt_elide *asked)
{
	if (asked->file)
		atomic_store(&wt_inode_of(asked->file)->synced, synced_word(asked));
}
