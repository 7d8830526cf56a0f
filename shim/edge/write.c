/* SPDX-License-Identifier: MIT */
/* The write family. A write to a file under no rule costs one look at the table of descriptors. */
#define _GNU_SOURCE
#include <sys/uio.h>
#include <unistd.h>

#include "core/resolve.h"
#include "core/write.h"
#include "edge/edge.h"
#include "os/real.h"
#include "wt.h"

/* Whether the call goes to libc and is not counted either. */
static inline bool passes(union wt_verdict verdict)
{
	return likely(verdict.word == WT_VERDICT_PASS);
}

/* Counts for the report what libc wrote to a file under no rule. */
static ssize_t counted(int fd, union wt_verdict verdict, ssize_t ret)
{
	if (ret > 0)
		wt_resolve_wrote(fd, verdict, ret);
	return ret;
}

static ssize_t covered(const struct wt_io *io, union wt_verdict verdict)
{
	int errno_before = errno;

	return wt_leave(wt_core_write(io, verdict), errno_before);
}

static ssize_t through(const struct wt_io *io, union wt_verdict verdict)
{
	int errno_before = errno;

	return wt_leave(wt_core_write_through(io, verdict), errno_before);
}

WT_EXPORT ssize_t write(int fd, const void *buf, size_t len)
{
	union wt_verdict verdict = wt_fdtable_get(fd);

	if (passes(verdict) || !len)
		return wt_real.write(fd, buf, len);
	if (verdict.state == WT_NO_RULE)
		return counted(fd, verdict, wt_real.write(fd, buf, len));
	struct iovec iov = { (void *)buf, len };
	return covered(&(struct wt_io){ WT_WRITE, fd, 1, 0, { &iov }, WT_OFFSET_NONE }, verdict);
}

/* The kernel refuses a negative offset here, but to pwritev2 -1 means the description's offset. */
WT_EXPORT ssize_t pwrite(int fd, const void *buf, size_t len, off_t offset)
{
	union wt_verdict verdict = wt_fdtable_get(fd);

	if (passes(verdict) || !len || offset < 0)
		return wt_real.pwrite(fd, buf, len, offset);
	if (verdict.state == WT_NO_RULE)
		return counted(fd, verdict, wt_real.pwrite(fd, buf, len, offset));
	struct iovec iov = { (void *)buf, len };
	return covered(&(struct wt_io){ WT_PWRITE, fd, 1, 0, { &iov }, offset }, verdict);
}

WT_ALIAS(pwrite) ssize_t pwrite64(int fd, const void *buf, size_t len, off64_t offset);

WT_EXPORT ssize_t writev(int fd, const struct iovec *iov, int iovcnt)
{
	union wt_verdict verdict = wt_fdtable_get(fd);

	if (passes(verdict))
		return wt_real.writev(fd, iov, iovcnt);
	if (verdict.state == WT_NO_RULE)
		return counted(fd, verdict, wt_real.writev(fd, iov, iovcnt));
	return covered(&(struct wt_io){ WT_WRITEV, fd, iovcnt, 0, { iov }, WT_OFFSET_NONE },
		       verdict);
}

WT_EXPORT ssize_t pwritev(int fd, const struct iovec *iov, int iovcnt, off_t offset)
{
	union wt_verdict verdict = wt_fdtable_get(fd);

	if (passes(verdict) || offset < 0)
		return wt_real.pwritev(fd, iov, iovcnt, offset);
	if (verdict.state == WT_NO_RULE)
		return counted(fd, verdict, wt_real.pwritev(fd, iov, iovcnt, offset));
	return covered(&(struct wt_io){ WT_PWRITEV, fd, iovcnt, 0, { iov }, offset }, verdict);
}

WT_ALIAS(pwritev)
ssize_t pwritev64(int fd, const struct iovec *iov, int iovcnt, off64_t offset);

WT_EXPORT ssize_t pwritev2(int fd, const struct iovec *iov, int iovcnt, off_t offset, int flags)
{
	union wt_verdict verdict = wt_fdtable_get(fd);

	if (unlikely(flags & RWF_WRITETHROUGH))
		return through(&(struct wt_io){ WT_PWRITEV2, fd, iovcnt, flags, { iov }, offset },
			       verdict);
	if (passes(verdict) || offset < WT_OFFSET_NONE)
		return wt_real.pwritev2(fd, iov, iovcnt, offset, flags);
	if (verdict.state == WT_NO_RULE)
		return counted(fd, verdict, wt_real.pwritev2(fd, iov, iovcnt, offset, flags));
	return covered(&(struct wt_io){ WT_PWRITEV2, fd, iovcnt, flags, { iov }, offset }, verdict);
}

WT_ALIAS(pwritev2)
ssize_t pwritev64v2(int fd, const struct iovec *iov, int iovcnt, off64_t offset, int flags);
