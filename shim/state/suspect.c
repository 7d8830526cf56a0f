/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#include "state/suspect.h"

#include <stdatomic.h>
#include <stddef.h>

#include "base/base.h"
#include "os/sys.h"

#define FILES 65536u
#define SECONDS_MAX 60u

/* Those under way in the low half, those ever begun above: it differs after each. */
#define UNDER_WAY 0xffffu
#define EVER (UNDER_WAY + 1)

struct file {
	_Atomic uint32_t errors;
	_Atomic uint32_t latest_s;
};

struct table {
	struct file files[FILES];
};

static struct table *table;

int wt_suspect_init(void)
{
	void *map;
	int err = wt_sys_map_shared(sizeof(*table), &map);

	if (!err)
		table = map;
	return err;
}

static uint32_t now_s(void)
{
	return wt_sys_now_ns() / 1000000000;
}

void wt_suspect_begin(uint64_t file)
{
	if (!table)
		return;
	struct file *at = &table->files[file % FILES];
	atomic_store(&at->latest_s, now_s());
	atomic_fetch_add(&at->errors, EVER + 1);
}

/* Unless it took so long that it no longer counts. */
void wt_suspect_end(uint64_t file)
{
	if (!table)
		return;
	struct file *at = &table->files[file % FILES];
	uint32_t errors = atomic_load(&at->errors);
	while (errors & UNDER_WAY &&
	       !atomic_compare_exchange_weak(&at->errors, &errors, errors - 1))
		;
}

uint32_t wt_suspect_of(uint64_t file)
{
	return table ? atomic_load(&table->files[file % FILES].errors) : 0;
}

bool wt_suspect_since(uint64_t file, uint32_t before)
{
	uint32_t now = wt_suspect_of(file);

	if (likely(now == before && !(now & UNDER_WAY)))
		return false;
	struct file *at = &table->files[file % FILES];
	if (now != before || now_s() - atomic_load(&at->latest_s) < SECONDS_MAX)
		return true;
	atomic_compare_exchange_strong(&at->errors, &now, now & ~UNDER_WAY);
	return false;
}
