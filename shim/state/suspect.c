/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#include "state/suspect.h"

#include <stdatomic.h>

#include "base/base.h"
#include "os/sys.h"
#include "state/inode.h"

#define SECONDS_MAX 60u

/*
 * `errors` has the investigations under way in its low half and those ever begun above, so it
 * differs after each.
 */
#define UNDER_WAY 0xffffu
#define EVER (UNDER_WAY + 1)

static uint32_t now_s(void)
{
	return wt_sys_now_ns() / 1000000000;
}

void wt_suspect_begin(uint64_t file)
{
	struct wt_inode *at = wt_inode_of(file);

	atomic_store(&at->latest_s, now_s());
	atomic_fetch_add(&at->errors, EVER + 1);
}

/* Does nothing if wt_suspect_since has ended the investigation, because it took too long. */
void wt_suspect_end(uint64_t file)
{
	struct wt_inode *at = wt_inode_of(file);
	uint32_t errors = atomic_load(&at->errors);
	while (errors & UNDER_WAY &&
	       !atomic_compare_exchange_weak(&at->errors, &errors, errors - 1))
		;
}

uint32_t wt_suspect_of(uint64_t file)
{
	return atomic_load(&wt_inode_of(file)->errors);
}

bool wt_suspect_since(uint64_t file, uint32_t before)
{
	uint32_t now = wt_suspect_of(file);

	if (likely(now == before && !(now & UNDER_WAY)))
		return false;
	struct wt_inode *at = wt_inode_of(file);
	if (now != before || now_s() - atomic_load(&at->latest_s) < SECONDS_MAX)
		return true;
	atomic_compare_exchange_strong(&at->errors, &now, now & ~UNDER_WAY);
	return false;
}
