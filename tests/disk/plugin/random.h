/* SPDX-License-Identifier: MIT */
/*
 * random - numbers that depend on a seed and on what is decided, not on when: two threads that
 * come in another order get the same answers.
 */
#ifndef DISK_RANDOM_H
#define DISK_RANDOM_H

#include <stdint.h>

/* A bijection that spreads each bit over all 64; multiplier and shifts of SplitMix64's finish. */
static inline uint64_t random_mix(uint64_t x)
{
	x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9;
	x = (x ^ (x >> 27)) * 0x94d049bb133111eb;
	return x ^ (x >> 31);
}

static inline uint64_t random_of(uint64_t seed, uint64_t what, uint64_t which)
{
	const uint64_t golden = 0x9e3779b97f4a7c15;

	return random_mix(random_mix(random_mix(seed + golden) + what + golden) + which + golden);
}

#endif
