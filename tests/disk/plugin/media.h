/* SPDX-License-Identifier: MIT */
/*
 * media - what the disk holds: stable bytes, and above them a volatile write cache.
 *
 * The cache is the list of writes that no flush has covered, oldest first. A power cut decides
 * for each of them, and within a torn one for each 512-byte sector, whether it reached the
 * stable bytes; so a younger write may survive an older one, as in a real disk. Reads see the
 * cache. The list is bounded: when it grows too long, its oldest writes become stable.
 *
 * The caller locks, and asks only for whole sectors inside the disk.
 */
#ifndef DISK_MEDIA_H
#define DISK_MEDIA_H

#include <stdbool.h>
#include <stdint.h>

#define MEDIA_SECTOR 512

/* Both of them inside; none if the last comes before the first. */
struct media_sectors {
	uint64_t first;
	uint64_t last;
};

/* What becomes of the unflushed writes: percent of them kept and torn, the others are lost. */
struct media_fate {
	uint64_t seed;
	uint64_t keep;
	uint64_t tear;
	struct media_sectors whole; /* of a torn write, all of these are kept or none */
};

struct media_unflushed {
	uint64_t writes;
	uint64_t sectors;
};

/* All zeros, or the start of the file `image`. 0 or -errno. */
int media_create(uint64_t size, uint64_t cache_limit, const char *image);

uint64_t media_size(void);

void media_read(void *buf, uint64_t offset, uint64_t length);

/* `data` NULL writes zeros. 0 or -ENOMEM. */
int media_write(const void *data, uint64_t offset, uint64_t length);

/* How many writes there have been. */
uint64_t media_written(void);

/* Makes stable the first `written` writes ever; what came later stays volatile. */
void media_flush(uint64_t written);

/* Ends with an empty cache; the seed, and how many writes came before it, decide a write's fate. */
void media_cut(const struct media_fate *fate);

struct media_unflushed media_unflushed(void);

/*
 * Writes that part of the stable bytes, or of what a read would see, to a new sparse file, cut off
 * at the disk's end. 0 or -errno.
 */
int media_dump(const char *path, uint64_t offset, uint64_t length, bool stable);

#endif
