/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#include "unseen.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "raw.h"
#include "sys.h"

static bool is_ring(const char *number)
{
	static const char ring[] = "anon_inode:[io_uring]";
	char path[64], target[sizeof(ring)];

	snprintf(path, sizeof(path), "/proc/self/fd/%.20s", number);
	return wt_sys.readlink(path, target, sizeof(target)) == (ssize_t)sizeof(ring) - 1 &&
	       !memcmp(target, ring, sizeof(ring) - 1);
}

bool wt_unseen_ring(void)
{
	_Alignas(struct dirent64) char entries[1024];
	bool found = false;
	long len;
	int dir = wt_sys.open("/proc/self/fd", O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0);

	if (dir < 0)
		return false;
	while (!found && (len = wt_syscall(SYS_getdents64, dir, entries, sizeof(entries))) > 0) {
		for (long at = 0; at < len && !found;) {
			const struct dirent64 *entry = (const struct dirent64 *)(entries + at);

			found = is_ring(entry->d_name);
			at += entry->d_reclen;
		}
	}
	wt_sys.close(dir);
	return found;
}
