/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#include "state/dio_exclusion.h"

#include "base/base.h"
#include "os/raw.h"
#include "os/sys.h"

#define WAIT_NS 1000000000u
#define NAP_US 20

/* Both counts are in one word, so that each side sees the other's count before it goes on. */
#define DIRECT 1ULL
#define CACHED (1ULL << 32)

bool wt_dio_exclusion_take_direct(struct wt_inode_here *inode)
{
	if (!inode)
		return true;
	if (atomic_fetch_add(&inode->dio, DIRECT) < CACHED)
		return true;
	wt_dio_exclusion_leave_direct(inode);
	return false;
}

void wt_dio_exclusion_leave_direct(struct wt_inode_here *inode)
{
	if (inode)
		atomic_fetch_sub(&inode->dio, DIRECT);
}

bool wt_dio_exclusion_any_direct(uint64_t file)
{
	struct wt_inode_here *inode = wt_inode_here_known(file);

	return inode && (uint32_t)atomic_load(&inode->dio);
}

/* From here on new direct writes go through the cache, so only those under way are waited for. */
void wt_dio_exclusion_take_cached(struct wt_inode_here *inode, bool wait)
{
	if (!inode)
		return;
	atomic_fetch_add(&inode->dio, CACHED);
	uint64_t end_ns = wt_sys_now_ns() + WAIT_NS;
	while (wait && (uint32_t)atomic_load(&inode->dio) && wt_sys_now_ns() < end_ns)
		wt_nap_us(NAP_US);
}

void wt_dio_exclusion_leave_cached(struct wt_inode_here *inode)
{
	if (inode)
		atomic_fetch_sub(&inode->dio, CACHED);
}
