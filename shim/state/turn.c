/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#include "state/turn.h"

#include <stdatomic.h>
#include <stdint.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "base/base.h"
#include "os/raw.h"
#include "os/sys.h"

#define TURNS 64u
#define WAIT_NS 1000000000u

/* Both counts are one word, so that each side sees the other's before it goes on. */
struct wt_turn {
	_Atomic uint64_t under_way;
};

#define DIRECT 1ULL
#define CACHED (1ULL << 32)

static struct wt_turn *_Atomic turns;

/* Two threads may map it at once; the second takes the first's. */
static struct wt_turn *turns_made(void)
{
	struct wt_turn *made, *first = NULL;
	void *map;

	if (wt_sys_map_wiped(TURNS * sizeof(*made), &map))
		return NULL;
	made = map;
	if (atomic_compare_exchange_strong(&turns, &first, made))
		return made;
	munmap(map, TURNS * sizeof(*made));
	return first;
}

struct wt_turn *wt_turn_of(dev_t dev, ino_t ino)
{
	struct wt_turn *table = atomic_load_explicit(&turns, memory_order_acquire);

	if (unlikely(!table))
		table = turns_made();
	return table ? &table[wt_inode_hash(dev, ino) % TURNS] : NULL;
}

bool wt_turn_take_direct(struct wt_turn *turn)
{
	if (!turn)
		return true;
	if (atomic_fetch_add(&turn->under_way, DIRECT) < CACHED)
		return true;
	wt_turn_leave_direct(turn);
	return false;
}

void wt_turn_leave_direct(struct wt_turn *turn)
{
	if (turn)
		atomic_fetch_sub(&turn->under_way, DIRECT);
}

bool wt_turn_any_direct(uint64_t file)
{
	struct wt_turn *table = atomic_load_explicit(&turns, memory_order_acquire);

	return table && (uint32_t)atomic_load(&table[file % TURNS].under_way);
}

/* New direct writes step aside from here on, so the wait is for those under way only. */
void wt_turn_take_cached(struct wt_turn *turn, bool wait)
{
	static const struct timespec pause = { .tv_nsec = 20000 };

	if (!turn)
		return;
	atomic_fetch_add(&turn->under_way, CACHED);
	uint64_t end_ns = wt_sys_now_ns() + WAIT_NS;
	while (wait && (uint32_t)atomic_load(&turn->under_way) && wt_sys_now_ns() < end_ns)
		wt_kernel(SYS_nanosleep, &pause, NULL);
}

void wt_turn_leave_cached(void *turn)
{
	struct wt_turn *at = turn;

	if (at)
		atomic_fetch_sub(&at->under_way, CACHED);
}
