/* SPDX-License-Identifier: MIT */
/* The program's own syncs. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <unistd.h>

#include "core/sync.h"
#include "edge/edge.h"
#include "os/real.h"
#include "state/config.h"
#include "state/pending_error.h"

static int covered(const struct wt_sync *sync, union wt_verdict verdict)
{
	int errno_before = errno;

	return wt_leave(wt_core_sync(sync, verdict), errno_before);
}

WT_EXPORT int fsync(int fd)
{
	union wt_verdict verdict = wt_fdtable_get(fd);

	if (unlikely(!wt_config.active) && likely(!wt_pending_error_any()))
		return wt_real.fsync(fd);
	return covered(&(struct wt_sync){ .call = WT_FSYNC, .fd = fd }, verdict);
}

WT_EXPORT int fdatasync(int fd)
{
	union wt_verdict verdict = wt_fdtable_get(fd);

	if (unlikely(!wt_config.active) && likely(!wt_pending_error_any()))
		return wt_real.fdatasync(fd);
	return covered(&(struct wt_sync){ .call = WT_FDATASYNC, .fd = fd }, verdict);
}

/* Only a call that waits is covered, since only such a call reports errors (sync_file_range(2)). */
WT_EXPORT int sync_file_range(int fd, off64_t offset, off64_t len, unsigned int flags)
{
	union wt_verdict verdict = wt_fdtable_get(fd);
	bool waits = flags & (SYNC_FILE_RANGE_WAIT_BEFORE | SYNC_FILE_RANGE_WAIT_AFTER);

	if (likely(!waits || (verdict.state != WT_RULED && !wt_pending_error_any())))
		return wt_real.sync_file_range(fd, offset, len, flags);
	return covered(&(struct wt_sync){ WT_SYNC_FILE_RANGE, fd, { offset, len }, flags },
		       verdict);
}
