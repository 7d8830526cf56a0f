/* SPDX-License-Identifier: MIT */
/*
 * pageflags - what cachestat(2) tells, for kernels before 6.5, which do not have it: for root, by
 * /proc/kpageflags (Documentation/admin-guide/mm/pagemap.rst).
 *
 * Of the pages that mincore(2) calls resident each is read through a mapping, so that
 * /proc/self/pagemap can tell which one it is. Nothing is read from the disk, and nothing written.
 */
#ifndef WT_TESTS_PAGEFLAGS_H
#define WT_TESTS_PAGEFLAGS_H

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "../../shim/os/raw.h"

#define PROBE_BLOCK 4096UL

#define PAGEMAP_PRESENT (1ULL << 63)
#define PAGEMAP_FRAME ((1ULL << 55) - 1)
#define KPF_DIRTY (1ULL << 4) /* the numbers are of linux/kernel-page-flags.h */
#define KPF_WRITEBACK (1ULL << 8)
#define KPF_COMPOUND_TAIL (1ULL << 16)

struct probe_cache {
	uint64_t cached;
	uint64_t dirty;
	uint64_t writeback;
	uint64_t evicted;
	uint64_t recently_evicted;
};

/* One word of a table in /proc; 0 where there is none. */
static inline uint64_t pageflags_word(int table, uint64_t index)
{
	uint64_t word = 0;

	wt_syscall(SYS_pread64, table, &word, sizeof(word), index * sizeof(word));
	return word;
}

/* A large folio has its flags at its first page. */
static inline uint64_t pageflags_of(int flags_table, uint64_t frame)
{
	uint64_t flags = pageflags_word(flags_table, frame);

	while (flags & KPF_COMPOUND_TAIL && frame)
		flags = pageflags_word(flags_table, --frame);
	return flags;
}

static inline void pageflags_count(const volatile char *map, uint64_t pages,
				   const unsigned char *resident, const int tables[2],
				   struct probe_cache *answer)
{
	for (uint64_t i = 0; i < pages; i++) {
		const volatile char *page = map + i * PROBE_BLOCK;

		if (!(resident[i] & 1))
			continue;
		(void)*page;
		uint64_t entry = pageflags_word(tables[0], (uintptr_t)page / PROBE_BLOCK);
		uint64_t flags = entry & PAGEMAP_PRESENT
					 ? pageflags_of(tables[1], entry & PAGEMAP_FRAME)
					 : 0;
		answer->cached++;
		answer->dirty += !!(flags & KPF_DIRTY);
		answer->writeback += !!(flags & KPF_WRITEBACK);
	}
}

/* As probe_cachestat (probe.h). -ENOSYS for who may not see the flags. */
static inline int probe_pageflags(int fd, uint64_t offset, uint64_t len, struct probe_cache *answer)
{
	char name[64];
	struct stat st;
	int tables[2];

	*answer = (struct probe_cache){ 0 };
	if (wt_syscall(SYS_fstat, fd, &st))
		return -errno;
	uint64_t size = st.st_size, first = offset / PROBE_BLOCK;
	uint64_t end = len && len < size - offset ? offset + len : size;
	if (offset >= size)
		return 0;
	uint64_t pages = (end + PROBE_BLOCK - 1) / PROBE_BLOCK - first;
	snprintf(name, sizeof(name), "/proc/thread-self/fd/%d", fd);
	int file = wt_syscall(SYS_openat, AT_FDCWD, name, O_RDONLY | O_CLOEXEC, 0);
	tables[0] = wt_syscall(SYS_openat, AT_FDCWD, "/proc/self/pagemap", O_RDONLY | O_CLOEXEC, 0);
	tables[1] = wt_syscall(SYS_openat, AT_FDCWD, "/proc/kpageflags", O_RDONLY | O_CLOEXEC, 0);
	void *map = (void *)wt_syscall(SYS_mmap, NULL, pages * PROBE_BLOCK, PROT_READ, MAP_SHARED,
				       file, first * PROBE_BLOCK);
	unsigned char *resident = calloc(1, pages);
	bool seen = map != MAP_FAILED && resident && tables[0] >= 0 && tables[1] >= 0 &&
		    !wt_syscall(SYS_madvise, map, pages * PROBE_BLOCK, MADV_RANDOM) &&
		    !wt_syscall(SYS_mincore, map, pages * PROBE_BLOCK, resident);

	if (seen)
		pageflags_count(map, pages, resident, tables, answer);
	if (map != MAP_FAILED)
		wt_syscall(SYS_munmap, map, pages * PROBE_BLOCK);
	free(resident);
	wt_syscall(SYS_close, file);
	wt_syscall(SYS_close, tables[0]);
	wt_syscall(SYS_close, tables[1]);
	return seen ? 0 : -ENOSYS;
}

#endif
