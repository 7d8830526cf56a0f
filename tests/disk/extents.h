/* SPDX-License-Identifier: MIT */
/*
 * extents - where a file lies on its device. btrfs answers FIEMAP with addresses of its own; its
 * chunks say where those are on the device (profile single, one device).
 */
#ifndef WT_TESTS_DISK_EXTENTS_H
#define WT_TESTS_DISK_EXTENTS_H

#include <errno.h>
#include <linux/btrfs.h>
#include <linux/btrfs_tree.h>
#include <linux/fiemap.h>
#include <linux/fs.h>
#include <linux/magic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/vfs.h>

#define EXTENTS_MAX 512

/* In bytes. */
struct extent {
	uint64_t at;	 /* in the file */
	uint64_t device; /* on the device */
	uint64_t length;
	bool placed;  /* it has a place on the device */
	bool written; /* and is no mere reservation, which reads as zeros */
};

/* The place on the device of a btrfs address; 0 with errno if there is none. */
static inline uint64_t extents_of_chunk(int fd, uint64_t logical)
{
	struct btrfs_ioctl_search_args search = {
		.key = {
			.tree_id = BTRFS_CHUNK_TREE_OBJECTID,
			.min_objectid = BTRFS_FIRST_CHUNK_TREE_OBJECTID,
			.max_objectid = BTRFS_FIRST_CHUNK_TREE_OBJECTID,
			.min_type = BTRFS_CHUNK_ITEM_KEY,
			.max_type = BTRFS_CHUNK_ITEM_KEY,
			.max_offset = UINT64_MAX,
			.max_transid = UINT64_MAX,
			.nr_items = UINT32_MAX,
		},
	};
	struct btrfs_ioctl_search_header header;
	struct btrfs_chunk chunk;
	const char *item = search.buf;

	if (ioctl(fd, BTRFS_IOC_TREE_SEARCH, &search))
		return 0;
	for (uint32_t i = 0; i < search.key.nr_items; i++) {
		memcpy(&header, item, sizeof(header));
		memcpy(&chunk, item + sizeof(header), sizeof(chunk));
		if (logical - header.offset < le64toh(chunk.length))
			return le64toh(chunk.stripe.offset) + logical - header.offset;
		item += sizeof(header) + header.len;
	}
	errno = ENOENT;
	return 0;
}

/*
 * Up to EXTENTS_MAX extents of the file; their count or -errno. With FIEMAP_FLAG_SYNC the file is
 * written back before.
 */
static inline int extents_of(int fd, uint32_t flags, struct extent *extents)
{
	struct fiemap *map = calloc(1, sizeof(*map) + EXTENTS_MAX * sizeof(map->fm_extents[0]));
	struct statfs fs;
	int count = -ENOMEM;

	if (!map)
		return -ENOMEM;
	map->fm_length = FIEMAP_MAX_OFFSET;
	map->fm_extent_count = EXTENTS_MAX;
	map->fm_flags = flags;
	count = fstatfs(fd, &fs) || ioctl(fd, FS_IOC_FIEMAP, map) ? -errno
								  : (int)map->fm_mapped_extents;
	for (int i = 0; i < count; i++) {
		const struct fiemap_extent *from = &map->fm_extents[i];
		const uint32_t nowhere =
			FIEMAP_EXTENT_UNKNOWN | FIEMAP_EXTENT_DELALLOC | FIEMAP_EXTENT_DATA_INLINE;

		extents[i] = (struct extent){
			.at = from->fe_logical,
			.device = from->fe_physical,
			.length = from->fe_length,
			.placed = !(from->fe_flags & nowhere),
			.written = !(from->fe_flags & FIEMAP_EXTENT_UNWRITTEN),
		};
		if (!extents[i].placed || fs.f_type != BTRFS_SUPER_MAGIC)
			continue;
		extents[i].device = extents_of_chunk(fd, from->fe_physical);
		if (!extents[i].device)
			count = -errno;
	}
	free(map);
	return count;
}

#endif
