/* SPDX-License-Identifier: MIT */
/*
 * io - one write as the program asked for it, and making it in that form.
 *
 * The memory behind a wt_io is the program's and may not be there: only the
 * kernel reads it, which answers EFAULT. The iovec array of a scalar call is
 * the edge's own.
 *
 * A write need not be a call of the write family: a stream that flushes or a
 * copy_file_range is one too. Such an act is carried out by its edge.
 */
#ifndef WT_IO_H
#define WT_IO_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>
#include <sys/uio.h>

enum wt_call { WT_WRITE, WT_PWRITE, WT_WRITEV, WT_PWRITEV, WT_PWRITEV2, WT_ACT };

/* How many bytes reached the page cache, though the call failed; or, where none did, 0 or -errno.
 */
struct wt_act {
	const char *name; /* for the log */
	ssize_t (*carry_out)(struct wt_act *act);
	bool moves; /* the description's offset, to another place than the end of what it wrote */
	bool is_stream;
};

#define WT_OFFSET_NONE ((off_t)-1) /* the open file description's own */

struct wt_io {
	enum wt_call call;
	int fd;
	int iovcnt;
	int flags; /* RWF_*, pwritev2 only */
	union {
		const struct iovec *iov;
		struct wt_act *act; /* WT_ACT, and iovcnt is 0: its bytes are not to be had */
	};
	off_t offset;
};

/* A range of a file as sync_file_range(2) takes it: no length means to the end. */
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
 * Whether the write goes to the offset it names. One without an offset goes to
 * that of the description, which another thread or process may move; one on an
 * O_APPEND descriptor goes to the end, pwrite(2) included (its BUGS section).
 * `fl` is what F_GETFL says.
 */
bool wt_io_has_offset(const struct wt_io *io, int fl);

/* One sync as the program asked for it, or as libwt needs it; the range and its flags for
 * sync_file_range only. */
struct wt_sync {
	enum { WT_FSYNC, WT_FDATASYNC, WT_SYNC_FILE_RANGE } call;
	int fd;
	struct wt_range range;
	unsigned int flags;
};

/* The next-in-line call. 0 or -errno. */
int wt_io_pass_sync(const struct wt_sync *sync);

/* The system call, whatever is preloaded behind libwt, and no point of cancellation. 0 or -errno.
 */
int wt_io_sync(const struct wt_sync *sync);

/* The next-in-line call, in the program's own form. Bytes or -errno. */
ssize_t wt_io_pass(const struct wt_io *io);

/* The same through pwritev2 with RWF_* flags added. Bytes or -errno. */
ssize_t wt_io_pass_flagged(const struct wt_io *io, int flags);

/*
 * Leaves the cache cold where `written` bytes went, by whole pages. For an append
 * the end of the file is taken, and for a write at the description's offset what
 * lies before that: a guess where others write too, and no promise hangs on it.
 * `fl` is what F_GETFL says.
 */
void wt_io_drop_cache(const struct wt_io *io, int fl, size_t written);

/*
 * How much of `len` bytes at the write's offset lies below RLIMIT_FSIZE; 0 where
 * the write starts at the limit or past it.
 */
size_t wt_io_below_file_size_limit(const struct wt_io *io, size_t len);

/* The most bytes that one call writes: MAX_RW_COUNT, include/linux/fs.h. */
#define WT_CALL_BYTES_MAX 0x7ffff000

#endif
