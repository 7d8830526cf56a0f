/* SPDX-License-Identifier: MIT */
/* Ways round the writes of edge_write.c: passed on, and noticed where the file is under a rule. */
#define _GNU_SOURCE
#include <aio.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/sendfile.h>

#include "config.h"
#include "core.h"
#include "edge.h"
#include "real.h"

/* Under fsync=elide a descriptor that was not seen to be opened may lead to a file with a rule. */
static void noticed(int fd, enum wt_way way)
{
	if (likely(fd < 0 || (wt_fdtable_get(fd).state != WT_RULED && !wt_config.elides)))
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

WT_EXPORT int fallocate(int fd, int mode, off_t offset, off_t len)
{
	int ret = wt_real.fallocate(fd, mode, offset, len);

	noticed(fd, WT_WAY_ALLOCATED);
	return ret;
}

WT_ALIAS(fallocate) int fallocate64(int fd, int mode, off64_t offset, off64_t len);

WT_EXPORT int posix_fallocate(int fd, off_t offset, off_t len)
{
	int ret = wt_real.posix_fallocate(fd, offset, len);

	noticed(fd, WT_WAY_ALLOCATED);
	return ret;
}

WT_ALIAS(posix_fallocate) int posix_fallocate64(int fd, off64_t offset, off64_t len);

WT_EXPORT ssize_t copy_file_range(int in, off64_t *in_offset, int out, off64_t *out_offset,
				  size_t len, unsigned int flags)
{
	ssize_t ret = wt_real.copy_file_range(in, in_offset, out, out_offset, len, flags);

	noticed(out, WT_WAY_COPIED);
	return ret;
}

WT_EXPORT ssize_t sendfile(int out, int in, off_t *offset, size_t len)
{
	ssize_t ret = wt_real.sendfile(out, in, offset, len);

	noticed(out, WT_WAY_COPIED);
	return ret;
}

WT_ALIAS(sendfile) ssize_t sendfile64(int out, int in, off64_t *offset, size_t len);

WT_EXPORT ssize_t splice(int in, off64_t *in_offset, int out, off64_t *out_offset, size_t len,
			 unsigned int flags)
{
	ssize_t ret = wt_real.splice(in, in_offset, out, out_offset, len, flags);

	noticed(out, WT_WAY_COPIED);
	return ret;
}

WT_EXPORT int aio_write(struct aiocb *request)
{
	noticed(request->aio_fildes, WT_WAY_AIO);
	return wt_real.aio_write(request);
}

WT_EXPORT int aio_write64(struct aiocb64 *request)
{
	return aio_write((struct aiocb *)request);
}

/* It waits on the description, in a thread of libc's. */
WT_EXPORT int aio_fsync(int op, struct aiocb *request)
{
	wt_core_sharing(request->aio_fildes);
	return wt_real.aio_fsync(op, request);
}

WT_EXPORT int aio_fsync64(int op, struct aiocb64 *request)
{
	return aio_fsync(op, (struct aiocb *)request);
}
