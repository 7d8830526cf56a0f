/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#include "turn.h"

#include <stdatomic.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "base.h"
#include "sys.h"

#define TURNS 64u
#define WAIT_NS 1000000000u

/* Both counts are one word, so that each side sees the other's before it goes on. */
struct wt_turn {
	_Atomic uint64_t under_way;
};

#define DIRECT 1ULL
#define CACHED (1ULL << 32)

static struct wt_turn *turns;

int wt_turn_init(void)
{
	void *map;
	int err = wt_sys_map_wiped(TURNS * sizeof(*turns), &map);

	if (!err)
		turns = map;
	return err;
}

struct wt_turn *wt_turn_of(dev_t dev, ino_t ino)
{
	return turns ? &turns[wt_inode_hash(dev, ino) % TURNS] : NULL;
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

/* New direct writes step aside from here on, so the wait is for those under way only. */
void wt_turn_take_cached(struct wt_turn *turn, bool wait)
{
	static const struct timespec pause = { .tv_nsec = 20000 };

	if (!turn)
		return;
	atomic_fetch_add(&turn->under_way, CACHED);
	uint64_t end_ns = wt_sys_now_ns() + WAIT_NS;
	while (wait && (uint32_t)atomic_load(&turn->under_way) && wt_sys_now_ns() < end_ns)
		syscall(SYS_nanosleep, &pause, NULL);
}

void wt_turn_leave_cached(void *turn)
{
	struct wt_turn *at = turn;

	if (at)
		atomic_fetch_sub(&at->under_way, CACHED);
}
