/* SPDX-License-Identifier: MIT */
/*
 * extents FILE - where a file lies on its device: a line FIRST-LAST, in sectors of 512 bytes, for
 * each extent. The file must have been synced. btrfs answers FIEMAP with addresses of its own;
 * its chunks say where those are on the device (profile single, one device).
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/btrfs.h>
#include <linux/btrfs_tree.h>
#include <linux/fiemap.h>
#include <linux/fs.h>
#include <linux/magic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/vfs.h>
#include <unistd.h>

#define EXTENTS_MAX 512
#define NO_PLACE (FIEMAP_EXTENT_UNKNOWN | FIEMAP_EXTENT_DELALLOC | FIEMAP_EXTENT_DATA_INLINE)

static void die(const char *what)
{
	fprintf(stderr, "extents: %s: %s\n", what, strerror(errno));
	exit(1);
}

static uint64_t on_device(int fd, uint64_t logical)
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
		die("BTRFS_IOC_TREE_SEARCH");
	for (uint32_t i = 0; i < search.key.nr_items; i++) {
		memcpy(&header, item, sizeof(header));
		memcpy(&chunk, item + sizeof(header), sizeof(chunk));
		if (logical - header.offset < le64toh(chunk.length))
			return le64toh(chunk.stripe.offset) + logical - header.offset;
		item += sizeof(header) + header.len;
	}
	errno = ENOENT;
	die("no chunk for this address");
	return 0;
}

int main(int argc, char **argv)
{
	struct fiemap *map = calloc(1, sizeof(*map) + EXTENTS_MAX * sizeof(map->fm_extents[0]));
	int fd = argc == 2 ? open(argv[1], O_RDONLY | O_CLOEXEC) : -1;
	struct statfs fs;

	if (fd < 0 || !map || fstatfs(fd, &fs))
		die(argc == 2 ? argv[1] : "usage: extents FILE");
	map->fm_length = FIEMAP_MAX_OFFSET;
	map->fm_extent_count = EXTENTS_MAX;
	if (ioctl(fd, FS_IOC_FIEMAP, map))
		die("FIEMAP");
	for (uint32_t i = 0; i < map->fm_mapped_extents; i++) {
		const struct fiemap_extent *extent = &map->fm_extents[i];
		uint64_t at = extent->fe_physical, length = extent->fe_length;

		if (extent->fe_flags & NO_PLACE) {
			errno = EAGAIN;
			die("has no place on the device yet");
		}
		if (fs.f_type == BTRFS_SUPER_MAGIC)
			at = on_device(fd, at);
		printf("%lu-%lu\n", at / 512, (at + length - 1) / 512);
	}
	return map->fm_mapped_extents ? 0 : 1;
}
