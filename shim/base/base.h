/* SPDX-License-Identifier: MIT */
/* base - compiler attributes and small arithmetic that every floor uses. Pure. */
#ifndef WT_BASE_H
#define WT_BASE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/types.h>

#define WT_EXPORT __attribute__((visibility("default")))
#define WT_LENGTH(array) (sizeof(array) / sizeof((array)[0]))

/*
 * For large zeroed tables: the linker places common symbols behind the small variables, so that
 * those share the few pages that every process touches.
 */
#define WT_LARGE __attribute__((common))

#define likely(x) __builtin_expect(!!(x), 1)
#define unlikely(x) __builtin_expect(!!(x), 0)

/* pwrite and pwrite64 are one call only where off_t has 64 bits. */
_Static_assert(sizeof(off_t) == 8, "libwt needs a 64-bit off_t");

/* Rounds to a multiple of `unit`, a power of two. */
static inline uint64_t wt_round_down(uint64_t value, uint64_t unit)
{
	return value & ~(unit - 1);
}

static inline uint64_t wt_round_up(uint64_t value, uint64_t unit)
{
	return wt_round_down(value + unit - 1, unit);
}

/*
 * Whether both were taken of one inode. They must be of about the same time, since the number of an
 * inode that is gone may be given to another.
 */
static inline bool wt_is_same_file(const struct stat *one, const struct stat *other)
{
	return one->st_ino == other->st_ino && one->st_dev == other->st_dev;
}

/* A hash that tells inodes apart in small tables: each of its 64 bits depends on both numbers. */
static inline uint64_t wt_inode_hash(dev_t dev, ino_t ino)
{
	uint64_t hash = (dev * 0x9e3779b97f4a7c15ULL ^ ino) * 0xd6e8feb86659fd93ULL;

	return hash ^ hash >> 32;
}

#endif
