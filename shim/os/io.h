/* SPDX-License-Identifier: MIT */
/*
 * io - one write as the program asked for it, and the functions that make it in that form.
 *
 * The memory that a wt_io points to is the program's and may not be mapped. libwt leaves it to the
 * kernel to read it, which answers EFAULT. The iovec array of a call that has none (write, pwrite)
 * lies on the stack of its edge.
 *
 * Not every write is a call of the write family: a stream that flushes writes too, and so does
 * copy_file_range. Such a write is an act, which the edge carries out itself.
 */
#ifndef WT_IO_H
#define WT_IO_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>
#include <sys/uio.h>

enum wt_call { WT_WRITE, WT_PWRITE, WT_WRITEV, WT_PWRITEV, WT_PWRITEV2, WT_ACT };

/*
 * A write by another call than the write family's. carry_out makes that call and returns how many
 * bytes reached the page cache, even if the call failed; 0 or -errno if none did.
 */
struct wt_act {
	const char *name; /* for the log */
	ssize_t (*carry_out)(struct wt_act *act);
	bool moves; /* carry_out leaves the offset elsewhere than behind its bytes */
	bool is_stream;
};

/* include/uapi/linux/fs.h, 6.14. */
#ifndef RWF_DONTCACHE
#define RWF_DONTCACHE 0x00000080
#endif

#define WT_OFFSET_NONE ((off_t)-1) /* the write goes to the offset of its open file description */

struct wt_io {
	enum wt_call call;
	int fd;
	int iovcnt;
	int flags; /* RWF_*, pwritev2 only */
	union {
		const struct iovec *iov;
		struct wt_act *act; /* WT_ACT only; iovcnt is 0, as libwt cannot see its bytes */
	};
	off_t offset;
};

/* A range of a file as sync_file_range(2) takes it: a length of 0 means to the end of the file. */
struct wt_range {
	off_t offset;
	off_t len_bytes;
};

#define WT_WHOLE_FILE ((struct wt_range){ 0, 0 })

static inline bool wt_io_is_scalar(const struct wt_io *io)
{
	return io->call == WT_WRITE || io->call == WT_PWRITE;
}

/*
 * Whether the write goes to the offset that it names. A call without an offset writes at that of
 * the description, which another thread or process may move. On an O_APPEND description every call
 * appends, pwrite(2) too (see its BUGS section). `fl` is the result of F_GETFL.
 */
bool wt_io_has_offset(const struct wt_io *io, int fl);

/*
 * One sync that the program asked for or that libwt needs. `range` and `flags` are of
 * sync_file_range.
 */
struct wt_sync {
	enum { WT_FSYNC, WT_FDATASYNC, WT_SYNC_FILE_RANGE } call;
	int fd;
	struct wt_range range;
	unsigned int flags;
};

/* Makes the next-in-line call (wt_real). Returns 0 or -errno. */
int wt_io_pass_sync(const struct wt_sync *sync);

/*
 * Makes the bare system call, past any library preloaded behind libwt; no cancellation point.
 * Returns 0 or -errno.
 */
int wt_io_sync(const struct wt_sync *sync);

/* Makes the next-in-line call in the program's own form. Returns bytes or -errno. */
ssize_t wt_io_pass(const struct wt_io *io);

/* The same by pwritev2 with `flags` (RWF_*) added. Returns bytes or -errno. */
ssize_t wt_io_pass_flagged(const struct wt_io *io, int flags);

/*
 * Drops the pages of the `written` bytes from the page cache (POSIX_FADV_DONTNEED). For a write
 * without an offset the range is a guess: an append is taken to end at the end of the file, another
 * write at the description's offset. A wrong guess costs speed, and nothing else. `fl` is the
 * result of F_GETFL.
 */
void wt_io_drop_cache(const struct wt_io *io, int fl, size_t written);

/*
 * How many of `len` bytes at the write's offset lie below RLIMIT_FSIZE; 0 if the write starts at
 * the limit or behind it.
 */
size_t wt_io_below_file_size_limit(const struct wt_io *io, size_t len);

/* The most bytes that one call writes: MAX_RW_COUNT, include/linux/fs.h. */
#define WT_CALL_BYTES_MAX 0x7ffff000

#endif
