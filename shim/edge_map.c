/* SPDX-License-Identifier: MIT */
/* Stores into a shared mapping are no calls: passed on, and noticed where the file is under a rule.
 */
#define _GNU_SOURCE
#include <sys/mman.h>

#include "config.h"
#include "core.h"
#include "edge.h"
#include "real.h"

/* Under fsync=elide a descriptor without a rule may lead to a file with one (it only reads). */
static void noticed(int fd, enum wt_way way)
{
	if (likely(!wt_config.active || fd < 0 ||
		   (wt_fdtable_get(fd).state == WT_NO_RULE && !wt_config.elides)))
		return;
	int errno_before = errno;

	wt_core_noticed(fd, way);
	errno = errno_before;
}

/* A mapping that only reads may be made to write later (mprotect(2)). */
WT_EXPORT void *mmap(void *addr, size_t len, int prot, int flags, int fd, off_t offset)
{
	void *ret = wt_real.mmap(addr, len, prot, flags, fd, offset);

	if (ret != MAP_FAILED && !(flags & MAP_ANONYMOUS) && (flags & MAP_TYPE) != MAP_PRIVATE)
		noticed(fd, prot & PROT_WRITE ? WT_WAY_MAPPED : WT_WAY_MAY_BE_MAPPED);
	return ret;
}

WT_ALIAS(mmap)
void *mmap64(void *addr, size_t len, int prot, int flags, int fd, off64_t offset);
