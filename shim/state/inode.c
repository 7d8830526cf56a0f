/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#include "state/inode.h"

#include <sys/mman.h>

#include "base/base.h"
#include "os/sys.h"

#define INODES 16384u
#define INODES_HERE 1024u

/* The table before wt_inode_init, and if that failed: this process's own. */
WT_LARGE struct wt_inode wt_inode_without[INODES];
static struct wt_inode *inodes = wt_inode_without;
static struct wt_inode_here *_Atomic inodes_here;

int wt_inode_init(void)
{
	void *map;
	int err = wt_sys_map_shared(INODES * sizeof(*inodes), &map);

	if (!err)
		inodes = map;
	return err;
}

bool wt_inode_is_shared(void)
{
	return inodes != wt_inode_without;
}

struct wt_inode *wt_inode_of(uint64_t file)
{
	return &inodes[file % INODES];
}

/* If two threads map the table at once, the second uses the first's. NULL without memory. */
static struct wt_inode_here *map_here(void)
{
	struct wt_inode_here *first = NULL;
	void *map;

	if (wt_sys_map_wiped(INODES_HERE * sizeof(*first), &map))
		return NULL;
	if (atomic_compare_exchange_strong(&inodes_here, &first, map))
		return map;
	munmap(map, INODES_HERE * sizeof(*first));
	return first;
}

struct wt_inode_here *wt_inode_here_known(uint64_t file)
{
	struct wt_inode_here *table = atomic_load_explicit(&inodes_here, memory_order_acquire);

	return table ? &table[file % INODES_HERE] : NULL;
}

struct wt_inode_here *wt_inode_here(uint64_t file)
{
	struct wt_inode_here *known = wt_inode_here_known(file);

	if (likely(known))
		return known;
	return map_here() ? wt_inode_here_known(file) : NULL;
}
