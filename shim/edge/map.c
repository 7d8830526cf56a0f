/* SPDX-License-Identifier: MIT */
/*
 * Shared mappings. Stores into them are no calls, so a mapping of a file under a rule is reported.
 */
#define _GNU_SOURCE
#include <stdatomic.h>
#include <stdint.h>
#include <sys/mman.h>

#include "core/sharing.h"
#include "edge/edge.h"
#include "os/real.h"
#include "report/stats.h"
#include "state/config.h"
#include "state/fdtable.h"

/*
 * Reports a mapping. Under fsync=elide also one by a descriptor that is under no rule because it
 * only reads, since its file may be under one.
 */
static void noticed(int fd, enum wt_way way)
{
	if (likely(!wt_config.active || fd < 0 ||
		   (wt_fdtable_get(fd).state == WT_NO_RULE && !wt_config.elides)))
		return;
	int errno_before = errno;

	wt_core_noticed(fd, way);
	errno = errno_before;
}

/* All read-only shared mappings, present and past, lie between these two addresses. */
static _Atomic uintptr_t first = UINTPTR_MAX, past;

static void note_place(uintptr_t start, size_t len)
{
	uintptr_t low = atomic_load(&first), high = atomic_load(&past);

	while (start < low && !atomic_compare_exchange_weak(&first, &low, start))
		;
	while (start + len > high && !atomic_compare_exchange_weak(&past, &high, start + len))
		;
}

/* A read-only mapping is noted as well, because mprotect(2) may make it writable later. */
WT_EXPORT void *mmap(void *addr, size_t len, int prot, int flags, int fd, off_t offset)
{
	void *ret = wt_real.mmap(addr, len, prot, flags, fd, offset);

	if (ret == MAP_FAILED || flags & MAP_ANONYMOUS || (flags & MAP_TYPE) == MAP_PRIVATE)
		return ret;
	if (!(prot & PROT_WRITE) && wt_config.active)
		note_place((uintptr_t)ret, len);
	noticed(fd, prot & PROT_WRITE ? WT_WAY_MAPPED : WT_WAY_MAY_BE_MAPPED);
	return ret;
}

WT_ALIAS(mmap)
void *mmap64(void *addr, size_t len, int prot, int flags, int fd, off64_t offset);

/*
 * Called after mprotect(2). If it may have made a read-only shared mapping writable, all are
 * reported.
 */
static int protected(int ret, const void *addr, size_t len, int prot)
{
	uintptr_t start = (uintptr_t)addr;

	if (likely(start >= atomic_load_explicit(&past, memory_order_relaxed) ||
		   start + len <= atomic_load_explicit(&first, memory_order_relaxed)))
		return ret;
	if (!ret && prot & PROT_WRITE)
		wt_stats_came_true();
	return ret;
}

WT_EXPORT int mprotect(void *addr, size_t len, int prot)
{
	return protected(wt_real.mprotect(addr, len, prot), addr, len, prot);
}

WT_EXPORT int pkey_mprotect(void *addr, size_t len, int prot, int key)
{
	return protected(wt_real.pkey_mprotect(addr, len, prot, key), addr, len, prot);
}
