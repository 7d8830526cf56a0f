/* SPDX-License-Identifier: MIT */
/* base - attributes and small arithmetic that every floor uses. */
#ifndef WT_BASE_H
#define WT_BASE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/types.h>

#define WT_EXPORT __attribute__((visibility("default")))
#define WT_LENGTH(array) (sizeof(array) / sizeof((array)[0]))

/* Behind the small variables, which so stay together on the pages that every process touches. */
#define WT_LARGE __attribute__((common))

#define likely(x) __builtin_expect(!!(x), 1)
#define unlikely(x) __builtin_expect(!!(x), 0)

/* pwrite and pwrite64 are one call only where off_t has 64 bits. */
_Static_assert(sizeof(off_t) == 8, "libwt needs a 64-bit off_t");

/* `unit` is a power of two. */
static inline uint64_t wt_round_down(uint64_t value, uint64_t unit)
{
	return value & ~(unit - 1);
}

static inline uint64_t wt_round_up(uint64_t value, uint64_t unit)
{
	return wt_round_down(value + unit - 1, unit);
}

/* Descriptors of one inode, at one time: its number may be given away when it is gone. */
static inline bool wt_is_same_file(const struct stat *one, const struct stat *other)
{
	return one->st_ino == other->st_ino && one->st_dev == other->st_dev;
}

/* Tells inodes apart in small tables: all 64 bits depend on both numbers. */
static inline uint64_t wt_inode_hash(dev_t dev, ino_t ino)
{
	uint64_t hash = (dev * 0x9e3779b97f4a7c15ULL ^ ino) * 0xd6e8feb86659fd93ULL;

	return hash ^ hash >> 32;
}

#endif
