/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#include <fcntl.h>
#include <unistd.h>

#include "core.h"
#include "edge.h"
#include "real.h"

/* What the kernel has no error to tell of, libwt may. */
static int synced(int fd, int ret)
{
	int errno_before = errno;
	int kept = wt_core_synced(fd);

	return ret ? wt_leave(-errno_before, errno_before) : wt_leave(kept, errno_before);
}

WT_EXPORT int fsync(int fd)
{
	return synced(fd, wt_real.fsync(fd));
}

WT_EXPORT int fdatasync(int fd)
{
	return synced(fd, wt_real.fdatasync(fd));
}

/* Tells writeback errors only where it waits (sync_file_range(2)). */
WT_EXPORT int sync_file_range(int fd, off64_t offset, off64_t len, unsigned int flags)
{
	int ret = wt_real.sync_file_range(fd, offset, len, flags);

	if (!(flags & (SYNC_FILE_RANGE_WAIT_BEFORE | SYNC_FILE_RANGE_WAIT_AFTER)))
		return ret;
	return synced(fd, ret);
}
