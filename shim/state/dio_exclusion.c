/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#include "state/dio_exclusion.h"

#include <stdatomic.h>
#include <stdint.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "base/base.h"
#include "os/raw.h"
#include "os/sys.h"

#define EXCLUSIONS 64u
#define WAIT_NS 1000000000u

/* Both counts are one word, so that each side sees the other's before it goes on. */
struct wt_dio_exclusion {
	_Atomic uint64_t under_way;
};

#define DIRECT 1ULL
#define CACHED (1ULL << 32)

static struct wt_dio_exclusion *_Atomic exclusions;

/* Two threads may map it at once; the second takes the first's. */
static struct wt_dio_exclusion *table_made(void)
{
	struct wt_dio_exclusion *made, *first = NULL;
	void *map;

	if (wt_sys_map_wiped(EXCLUSIONS * sizeof(*made), &map))
		return NULL;
	made = map;
	if (atomic_compare_exchange_strong(&exclusions, &first, made))
		return made;
	munmap(map, EXCLUSIONS * sizeof(*made));
	return first;
}

struct wt_dio_exclusion *wt_dio_exclusion_of(dev_t dev, ino_t ino)
{
	struct wt_dio_exclusion *table = atomic_load_explicit(&exclusions, memory_order_acquire);

	if (unlikely(!table))
		table = table_made();
	return table ? &table[wt_inode_hash(dev, ino) % EXCLUSIONS] : NULL;
}

bool wt_dio_exclusion_take_direct(struct wt_dio_exclusion *exclusion)
{
	if (!exclusion)
		return true;
	if (atomic_fetch_add(&exclusion->under_way, DIRECT) < CACHED)
		return true;
	wt_dio_exclusion_leave_direct(exclusion);
	return false;
}

void wt_dio_exclusion_leave_direct(struct wt_dio_exclusion *exclusion)
{
	if (exclusion)
		atomic_fetch_sub(&exclusion->under_way, DIRECT);
}

bool wt_dio_exclusion_any_direct(uint64_t file)
{
	struct wt_dio_exclusion *table = atomic_load_explicit(&exclusions, memory_order_acquire);

	return table && (uint32_t)atomic_load(&table[file % EXCLUSIONS].under_way);
}

/* New direct writes step aside from here on, so the wait is for those under way only. */
void wt_dio_exclusion_take_cached(struct wt_dio_exclusion *exclusion, bool wait)
{
	static const struct timespec pause = { .tv_nsec = 20000 };

	if (!exclusion)
		return;
	atomic_fetch_add(&exclusion->under_way, CACHED);
	uint64_t end_ns = wt_sys_now_ns() + WAIT_NS;
	while (wait && (uint32_t)atomic_load(&exclusion->under_way) && wt_sys_now_ns() < end_ns)
		wt_kernel(SYS_nanosleep, &pause, NULL);
}

void wt_dio_exclusion_leave_cached(void *exclusion)
{
	struct wt_dio_exclusion *at = exclusion;

	if (at)
		atomic_fetch_sub(&at->under_way, CACHED);
}
