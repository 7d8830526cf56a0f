/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#include "os/io.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/uio.h>

#include "base/base.h"
#include "os/real.h"
#include "os/sys.h"
#include "os/thread.h"

#define PAGE_BYTES 4096

bool wt_io_has_offset(const struct wt_io *io, int fl)
{
	return io->offset != WT_OFFSET_NONE && !(fl & O_APPEND) && !(io->flags & RWF_APPEND);
}

ssize_t wt_io_pass(const struct wt_io *io)
{
	ssize_t ret = -1;

	switch (io->call) {
	case WT_WRITE:
		ret = wt_real.write(io->fd, io->iov->iov_base, io->iov->iov_len);
		break;
	case WT_PWRITE:
		ret = wt_real.pwrite(io->fd, io->iov->iov_base, io->iov->iov_len, io->offset);
		break;
	case WT_WRITEV:
		ret = wt_real.writev(io->fd, io->iov, io->iovcnt);
		break;
	case WT_PWRITEV:
		ret = wt_real.pwritev(io->fd, io->iov, io->iovcnt, io->offset);
		break;
	case WT_PWRITEV2:
		ret = wt_real.pwritev2(io->fd, io->iov, io->iovcnt, io->offset, io->flags);
		break;
	case WT_ACT:
		return io->act->carry_out(io->act);
	}
	return ret < 0 ? -*wt_thread_failure() : ret;
}

ssize_t wt_io_pass_flagged(const struct wt_io *io, int flags)
{
	return wt_sys.pwritev2(io->fd, io->iov, io->iovcnt, io->offset, io->flags | flags);
}

int wt_io_pass_sync(const struct wt_sync *sync)
{
	int ret = -1;

	switch (sync->call) {
	case WT_FSYNC:
		ret = wt_real.fsync(sync->fd);
		break;
	case WT_FDATASYNC:
		ret = wt_real.fdatasync(sync->fd);
		break;
	case WT_SYNC_FILE_RANGE:
		ret = wt_real.sync_file_range(sync->fd, sync->range.offset, sync->range.len_bytes,
					      sync->flags);
		break;
	}
	return ret < 0 ? -*wt_thread_failure() : ret;
}

int wt_io_sync(const struct wt_sync *sync)
{
	if (sync->call == WT_SYNC_FILE_RANGE)
		return wt_sys.sync_file_range(sync->fd, sync->range.offset, sync->range.len_bytes,
					      sync->flags);
	return sync->call == WT_FSYNC ? wt_sys.fsync(sync->fd) : wt_sys.fdatasync(sync->fd);
}

size_t wt_io_below_file_size_limit(const struct wt_io *io, size_t len)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_FSIZE, &limit) || limit.rlim_cur == RLIM_INFINITY)
		return len;
	if ((rlim_t)io->offset >= limit.rlim_cur)
		return 0;
	rlim_t room = limit.rlim_cur - io->offset;
	return len < room ? len : room;
}

/* Where the write ended; a guess for a write without an offset (wt_io_drop_cache). */
static off_t end_of(const struct wt_io *io, int fl, size_t written)
{
	struct stat st;

	if (wt_io_has_offset(io, fl))
		return io->offset + written;
	if (fl & O_APPEND || io->flags & RWF_APPEND)
		return wt_sys.identify(io->fd, &st) ? 0 : st.st_size;
	return wt_sys.lseek(io->fd, 0, SEEK_CUR);
}

void wt_io_drop_cache(const struct wt_io *io, int fl, size_t written)
{
	off_t end = end_of(io, fl, written);
	off_t start = end < (off_t)written ? 0 : end - (off_t)written;
	off_t first = wt_round_down(start, PAGE_BYTES);
	off_t len_bytes = wt_round_up(start + written, PAGE_BYTES) - first;

	wt_sys.fadvise(io->fd, first, len_bytes, POSIX_FADV_DONTNEED);
}
