/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#include "trouble.h"

#include <errno.h>
#include <stdatomic.h>
#include <stddef.h>
#include <sys/mman.h>

#include "base.h"

#define FILES 1024u

/* Errors being looked into in the low half, errors ever above: it differs after each. */
#define UNDER_WAY 0xffffu
#define EVER (UNDER_WAY + 1)

static _Atomic uint32_t *files;

int wt_trouble_init(void)
{
	void *map = mmap(NULL, FILES * sizeof(*files), PROT_READ | PROT_WRITE,
			 MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (map == MAP_FAILED)
		return -errno;
	files = map;
	return 0;
}

void wt_trouble_begin(uint64_t file)
{
	if (files)
		atomic_fetch_add(&files[file % FILES], EVER + 1);
}

void wt_trouble_end(uint64_t file)
{
	if (files)
		atomic_fetch_sub(&files[file % FILES], 1);
}

uint32_t wt_trouble_of(uint64_t file)
{
	return files ? atomic_load(&files[file % FILES]) : 0;
}

bool wt_trouble_since(uint64_t file, uint32_t before)
{
	return unlikely(before & UNDER_WAY || wt_trouble_of(file) != before);
}
