/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#include "core/program_ring.h"

#include <stdatomic.h>
#include <stdbool.h>

#include "base/base.h"
#include "core/resolve.h"
#include "core/sharing.h"
#include "core/unseen.h"
#include "os/real.h"
#include "os/sys.h"
#include "report/log.h"
#include "report/stats.h"
#include "ring/ring.h"
#include "state/config.h"

#define LOOK_EVERY_NS 10000000u

static _Atomic bool submits_seen; /* the program submits by symbols of liburing.so */
static _Atomic bool writes_unseen;
static _Atomic bool opens_unseen;

void wt_program_ring_seen(void)
{
	atomic_store_explicit(&submits_seen, true, memory_order_relaxed);
}

void wt_program_ring_writes(void)
{
	if (!wt_config.covers || atomic_exchange(&writes_unseen, true))
		return;
	wt_resolve_open_stable();
	for (int fd = wt_fdtable_next_ruled(0); fd >= 0; fd = wt_fdtable_next_ruled(fd + 1))
		wt_core_noticed(fd, WT_WAY_RING);
}

void wt_program_ring_made(void)
{
	const char *words = wt_way_text(WT_WAY_RING_OPENS);

	if (!wt_config.covers || atomic_exchange(&opens_unseen, true))
		return;
	wt_log(WT_LOG_INFO, "%s", words);
	wt_stats_of_process(WT_EVENT_NOT_COVERED, words);
	wt_program_ring_writes();
}

static void look(bool (*is_there)(void))
{
	uint32_t begun = wt_ring_begun();

	/* With liburing.so the ring is most likely made by it, and its submissions are seen. */
	if (wt_real_has_liburing() || atomic_load(&submits_seen) || atomic_load(&opens_unseen))
		return;
	if (!wt_ring_has_descriptor() && is_there() && wt_ring_begun() == begun)
		wt_program_ring_made();
}

void wt_program_ring_look(void)
{
	if (wt_config.covers)
		look(wt_unseen_ring);
}

void wt_program_ring_look_in_time(void)
{
	static _Atomic uint64_t next_ns;
	uint64_t now_ns = wt_sys_now_ns();

	if (now_ns < atomic_load_explicit(&next_ns, memory_order_relaxed))
		return;
	atomic_store_explicit(&next_ns, now_ns + LOOK_EVERY_NS, memory_order_relaxed);
	look(wt_unseen_ring_low);
}
