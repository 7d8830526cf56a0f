/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#include "errors.h"

#include <stdint.h>
#include <sys/stat.h>

#include "base.h"
#include "log.h"
#include "sys.h"

_Atomic unsigned int wt_errors_kept;

/*
 * A slot is one word, errno below and a hash of the inode's identity above, so
 * that it is taken and replaced whole. The hash has 48 bits: two failing inodes
 * that share it would share their error, which errs on the side of telling.
 */
static _Atomic uint64_t slots[64];

#define WT_ERRNO_BITS 16

static uint64_t identity(int fd)
{
	struct stat st;

	if (wt_sys.identify(fd, &st))
		return 0;
	return wt_inode_hash(st.st_dev, st.st_ino) << WT_ERRNO_BITS;
}

static _Atomic uint64_t *slot_of(uint64_t id)
{
	return &slots[(id >> WT_ERRNO_BITS) % WT_LENGTH(slots)];
}

void wt_errors_keep(int fd, int err)
{
	uint64_t id = identity(fd);
	uint64_t old = atomic_exchange(slot_of(id), id | (unsigned int)-err);

	if (!old)
		atomic_fetch_add(&wt_errors_kept, 1);
	else if (wt_round_down(old, 1ULL << WT_ERRNO_BITS) != id)
		wt_log(WT_LOG_ERROR, "too many files with write errors: the next fsync of one "
				     "of them may not repeat its error");
}

int wt_errors_take(int fd)
{
	if (likely(!wt_errors_any()))
		return 0;
	uint64_t id = identity(fd);
	_Atomic uint64_t *slot = slot_of(id);
	uint64_t kept = atomic_load(slot);

	if (!kept || wt_round_down(kept, 1ULL << WT_ERRNO_BITS) != id)
		return 0;
	if (!atomic_compare_exchange_strong(slot, &kept, 0))
		return 0;
	atomic_fetch_sub(&wt_errors_kept, 1);
	return -(int)(kept & ((1U << WT_ERRNO_BITS) - 1));
}
