/* SPDX-License-Identifier: MIT */
#include "differential.h"
#include <limits.h>
#include <sys/resource.h>
#include <sys/uio.h>

/* Newer than the C library's headers. */
#ifndef RWF_NOAPPEND
#define RWF_NOAPPEND 0x20
#endif
#ifndef RWF_ATOMIC
#define RWF_ATOMIC 0x40
#endif
#ifndef RWF_DONTCACHE
#define RWF_DONTCACHE 0x80
#endif

enum way { WRITE, PWRITE, PWRITE64, WRITEV, PWRITEV, PWRITEV64, PWRITEV2, PWRITEV64V2, WAYS };

struct request {
	enum way way;
	int fd;
	char *from;
	size_t len;
	const struct iovec *iov;
	int iovcnt;
	off_t offset;
	int flags;
};

static const char *const way_names[WAYS] = {
	"write", "pwrite", "pwrite64", "writev", "pwritev", "pwritev64", "pwritev2", "pwritev64v2",
};

static long submit(const struct request *r)
{
	switch (r->way) {
	case WRITE:
		return TRY(write(r->fd, r->from, r->len));
	case PWRITE:
		return TRY(pwrite(r->fd, r->from, r->len, r->offset));
	case PWRITE64:
		return TRY(pwrite64(r->fd, r->from, r->len, r->offset));
	case WRITEV:
		return TRY(writev(r->fd, r->iov, r->iovcnt));
	case PWRITEV:
		return TRY(pwritev(r->fd, r->iov, r->iovcnt, r->offset));
	case PWRITEV64:
		return TRY(pwritev64(r->fd, r->iov, r->iovcnt, r->offset));
	case PWRITEV2:
		return TRY(pwritev2(r->fd, r->iov, r->iovcnt, r->offset, r->flags));
	default:
		return TRY(pwritev64v2(r->fd, r->iov, r->iovcnt, r->offset, r->flags));
	}
}

size_t any_len(struct rng *rng)
{
	switch (below(rng, 16)) {
	case 0:
		return 0;
	case 1 ... 4:
		return 1 + below(rng, 200);
	case 5 ... 8:
		return 4096 * (1 + below(rng, 8));
	case 9:
		return 512 * below(rng, 40);
	case 10 ... 14:
		return below(rng, 20000);
	default:
		return one_in(rng, 8) ? below(rng, POOL_BYTES / 2) : below(rng, 400000);
	}
}

size_t whole_blocks(int fd, size_t len)
{
	return raw_flags(fd) & O_DIRECT ? len & ~4095UL : len;
}

off_t any_offset(struct rng *rng, int fd)
{
	static const off_t strange[] = { -1, -2, LONG_MIN, LONG_MAX, LONG_MAX - 4095 };

	if (one_in(rng, 30))
		return strange[below(rng, COUNT(strange))];
	if (one_in(rng, 8))
		return raw_size(fd) + (off_t)below(rng, 3) - 1;
	return one_in(rng, 2) ? below(rng, LAST_OFFSET / 4096) * 4096 : below(rng, LAST_OFFSET);
}

/* Memory that a write must not trust: unmapped, the kernel's, or ending half-way. */
static void spoil_memory(struct rng *rng, struct request *r)
{
	static const size_t huge[] = { INT_MAX, 0x7ffff000, 1UL << 31, SSIZE_MAX, SIZE_MAX };

	switch (below(rng, 5)) {
	case 0:
		r->from = NULL;
		break;
	case 1:
		r->from = (char *)LONG_MIN + below(rng, 9000);
		break;
	case 2:
		r->from = pool + POOL_BYTES - below(rng, 9000);
		r->len = huge[below(rng, COUNT(huge))];
		break;
	case 3:
		r->from = pool + POOL_BYTES - below(rng, 9000);
		r->len = below(rng, 1 << 20);
		break;
	case 4:
		r->from = pool + POOL_BYTES - below(rng, r->len + 1);
		break;
	}
}

/* Cuts the bytes into parts, some of them empty. */
static int cut(struct rng *rng, struct iovec *iov, char *from, size_t len)
{
	int count = one_in(rng, 20) ? IOV_MAX : 1 + below(rng, 5);

	for (int i = 0; i < count; i++) {
		size_t part = i == count - 1 || one_in(rng, 4) ? len : below(rng, len / 2 + 2);

		if (part > len)
			part = len;
		iov[i] = (struct iovec){ from, part };
		from += part;
		len -= part;
	}
	return count;
}

static void spoil_vector(struct rng *rng, struct request *r, struct iovec *iov)
{
	int victim = r->iovcnt / 2;

	switch (below(rng, 6)) {
	case 0:
		r->iovcnt = 0;
		break;
	case 1:
		r->iovcnt = -1;
		break;
	case 2:
		r->iovcnt = IOV_MAX + 1;
		break;
	case 3:
		r->iov = (struct iovec *)(pool + POOL_BYTES - sizeof(*iov));
		break;
	case 4:
		iov[victim].iov_base = NULL;
		break;
	case 5:
		iov[victim].iov_len = SSIZE_MAX - below(rng, 2);
		break;
	}
}

static int any_rwf(struct rng *rng)
{
	static const struct {
		int flag;
		int one_in;
	} flags[] = {
		{ RWF_DSYNC, 4 },     { RWF_SYNC, 8 },	     { RWF_APPEND, 4 },	 { RWF_HIPRI, 12 },
		{ RWF_NOAPPEND, 12 }, { RWF_DONTCACHE, 12 }, { RWF_ATOMIC, 30 }, { 1 << 20, 30 },
	};
	int all = 0;

	for (size_t i = 0; i < COUNT(flags); i++)
		if (one_in(rng, flags[i].one_in))
			all |= flags[i].flag;
	return all;
}

static bool appends(const struct request *r)
{
	return (raw_flags(r->fd) & O_APPEND) || (r->way >= PWRITEV2 && (r->flags & RWF_APPEND));
}

void limit_file_size(long long bytes)
{
	struct rlimit limit = { bytes, RLIM_INFINITY };

	setrlimit(RLIMIT_FSIZE, &limit);
}

void unlimit_file_size(void)
{
	limit_file_size(RLIM_INFINITY);
}

/* Sets the largest file size so that it lies in or beside what is about to be written. */
static void limit_size(struct rng *rng, const struct request *r)
{
	bool at_offset = r->way == WRITE || r->way == WRITEV || r->offset == -1;
	long long at = appends(r) ? raw_size(r->fd) : at_offset ? raw_offset(r->fd) : r->offset;
	long long limit = at < 0 ? 4096 : at + below(rng, r->len % POOL_BYTES + 2);

	limit_file_size(one_in(rng, 4) ? limit & ~4095LL : limit);
}

/* A file that reaches into the exabytes is cut again, for the sake of whoever reads it. */
static void cut_far(int fd)
{
	if (raw_size(fd) > (long long)POOL_BYTES * 4)
		trace_fd(fd, TRY(ftruncate(fd, 65536)), "ftruncate %d", fd);
}

/* How much RWF_NOWAIT writes is a matter of luck; so its outcome is hidden and the write redone. */
static void write_nowait(struct request *r)
{
	long result;

	r->flags |= RWF_NOWAIT;
	result = submit(r);
	if (result >= 0 || errno == EAGAIN)
		trace(TRY(0), "%s %d with RWF_NOWAIT", way_names[r->way], r->fd);
	else
		trace_fd(r->fd, result, "%s %d with RWF_NOWAIT", way_names[r->way], r->fd);
	r->flags &= ~RWF_NOWAIT;
}

static void overwrite(int fd, long long at, long long len)
{
	int flags = raw_flags(fd);

	if (at + len > raw_size(fd))
		len = raw_size(fd) - at;
	if (at < 0 || len <= 0)
		return;
	wt_syscall(SYS_fcntl, fd, F_SETFL, flags & ~(O_DIRECT | O_APPEND));
	wt_syscall(SYS_pwrite64, fd, pool, len < LAST_OFFSET ? len : LAST_OFFSET, at);
	wt_syscall(SYS_fcntl, fd, F_SETFL, flags);
}

/*
 * Where nobody can say what a file holds, new bytes go. A write into a hole that is cut short by
 * memory that cannot be read: on Linux 6.18 XFS leaves stale memory in the blocks still to be
 * written, and ext4 extents beyond the end that no one will write and an O_DIRECT read stumbles
 * over (EIO). An O_DIRECT write that is refused: an earlier extent may have been written.
 * No library sees these bytes, so they do not stay dirty.
 */
static void mend(const struct request *r, long result)
{
	bool at_offset = r->way == WRITE || r->way == WRITEV || r->offset == -1;
	long long at = at_offset ? raw_offset(r->fd) : r->offset;

	if (result > 0 && !at_offset)
		at += result;
	if (!appends(r) && (result > 0 || raw_flags(r->fd) & O_DIRECT))
		overwrite(r->fd, at, r->len < LAST_OFFSET ? r->len : LAST_OFFSET);
	if (result > 0)
		wt_syscall(SYS_ftruncate, r->fd, raw_size(r->fd));
	wt_syscall(SYS_fdatasync, r->fd);
}

/* While pages are in its way, ext4 takes even an O_DIRECT write that it would refuse, at times. */
static void clear_the_way(int fd)
{
	if (raw_flags(fd) & O_DIRECT) {
		wt_syscall(SYS_fdatasync, fd);
		wt_syscall(SYS_fadvise64, fd, 0L, 0L, POSIX_FADV_DONTNEED);
	}
}

void op_write(struct rng *rng)
{
	static struct iovec iov[IOV_MAX + 1];
	struct request r = { .way = below(rng, WAYS), .fd = any_fd(rng), .iov = iov };
	bool spoilt = one_in(rng, 12) && !my.is_tame;
	bool limited = one_in(rng, 10);
	bool vector = r.way >= WRITEV;
	bool looked_for_dirt;
	long result;

	r.len = any_len(rng);
	r.from = pool + below(rng, POOL_BYTES - r.len);
	if (one_in(rng, 2))
		r.from = (char *)((uintptr_t)r.from & ~4095UL);
	r.offset = any_offset(rng, r.fd);
	r.flags = r.way >= PWRITEV2 ? any_rwf(rng) : 0;
	if (spoilt && (!vector || one_in(rng, 2)))
		spoil_memory(rng, &r);
	if (vector) {
		r.iovcnt = cut(rng, iov, r.from, r.len);
		if (spoilt)
			spoil_vector(rng, &r, iov);
	}
	clear_the_way(r.fd);
	if (r.way >= PWRITEV2 && !spoilt && !limited && r.offset >= 0 && !appends(&r) &&
	    one_in(rng, 6))
		write_nowait(&r);
	if (limited)
		limit_size(rng, &r);
	result = submit(&r);
	unlimit_file_size();
	looked_for_dirt = my.looks_for_dirt;
	my.looks_for_dirt &= !spoilt && result >= 0; /* not before it is mended */
	trace_fd(r.fd, result, "%s %d %zu@%ld in %d parts, flags %#x%s%s", way_names[r.way], r.fd,
		 r.len, r.offset, r.iovcnt, r.flags, spoilt ? ", spoilt" : "",
		 limited ? ", limited" : "");
	if (spoilt || result < 0)
		mend(&r, result);
	my.looks_for_dirt = looked_for_dirt;
	cut_far(r.fd);
}

void op_write_far(struct rng *rng)
{
	int fd = any_fd(rng);
	off64_t offset = (1L << (31 + below(rng, 32))) - below(rng, 9000);
	size_t len = whole_blocks(fd, any_len(rng) % 20000);

	trace_fd(fd, TRY(pwrite64(fd, pool, len, offset)), "pwrite64 %d %zu@%ld", fd, len, offset);
	cut_far(fd);
}

void op_read(struct rng *rng)
{
	int fd = any_fd(rng);
	int way = below(rng, 3);
	size_t len = one_in(rng, 3) ? below(rng, 16) * 4096 : below(rng, 9000);
	off_t offset = any_offset(rng, fd);
	char *into = scratch + (one_in(rng, 2) ? 0 : below(rng, 5000));
	struct iovec parts[2] = { { into, len / 3 }, { into + len / 3, len - len / 3 } };
	long result;

	if (way == 0)
		result = TRY(read(fd, into, len));
	else if (way == 1)
		result = TRY(pread(fd, into, len, offset));
	else
		result = TRY(readv(fd, parts, 2));
	trace_fd(fd, result, "read by %d %d %zu@%ld, digest %016llx", way, fd, len, offset,
		 (unsigned long long)(result < 0 ? 0 : digest(0, into, result)));
}

void op_lseek(struct rng *rng)
{
	static const int whence[] = { SEEK_SET, SEEK_SET, SEEK_CUR, SEEK_END, 77 };
	int fd = any_fd(rng);
	int from = whence[below(rng, COUNT(whence))];
	off_t offset = below(rng, from == SEEK_SET ? LAST_OFFSET : 9000);

	if (from != SEEK_SET)
		offset = 1000 - offset;
	trace_fd(fd, TRY(lseek(fd, offset, from)), "lseek %d %ld %d", fd, offset, from);
}

void op_truncate(struct rng *rng)
{
	int fd = any_fd(rng);
	off_t size = one_in(rng, 20) ? -1 : (off_t)below(rng, LAST_OFFSET);

	if (one_in(rng, 3))
		size &= ~4095L;
	trace_fd(fd, TRY(ftruncate(fd, size)), "ftruncate %d %ld", fd, size);
}

void op_fallocate(struct rng *rng)
{
	static const int modes[] = { 0, FALLOC_FL_KEEP_SIZE,
				     FALLOC_FL_KEEP_SIZE | FALLOC_FL_PUNCH_HOLE };
	int fd = any_fd(rng);
	int mode = modes[below(rng, COUNT(modes))];
	off_t offset = below(rng, LAST_OFFSET);
	off_t len = below(rng, 40000);

	trace_fd(fd, TRY(fallocate(fd, mode, offset, len)), "fallocate %d mode %d %ld+%ld", fd,
		 mode, offset, len);
}

void op_sync(struct rng *rng)
{
	static const unsigned int ranges[] = { SYNC_FILE_RANGE_WRITE, 0, 7, 8 };
	int fd = any_fd(rng);
	int way = below(rng, 4);
	off_t offset = (off_t)below(rng, LAST_OFFSET) - 100;
	off_t len = below(rng, 9) * 4096;
	unsigned int range = ranges[below(rng, COUNT(ranges))];
	long result;

	if (way == 0)
		result = TRY(fsync(fd));
	else if (way == 1)
		result = TRY(fdatasync(fd));
	else
		result = TRY(sync_file_range(fd, offset, len, range));
	trace_fd(fd, result, "sync by %d %d %ld+%ld %#x", way, fd, offset, len, range);
}
