/* SPDX-License-Identifier: MIT */
/*
 * sys - the system calls that libwt makes for itself.
 *
 * They are a table of functions, so that a unit test can replace any of them by one that fails.
 * Every entry returns a value >= 0 or -errno, leaves errno alone, is async-signal-safe and is no
 * cancellation point; pwritev2 differs (see below). The writes that the program asked for are not
 * made through this table but through wt_real, in the program's own form.
 */
#ifndef WT_SYS_H
#define WT_SYS_H

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <sys/stat.h>
#include <linux/fiemap.h>
#include <sys/statfs.h>
#include <sys/uio.h>

struct statx;

/* How many pages of a range the page cache holds. */
struct wt_pages {
	uint64_t cached;
	uint64_t unclean; /* dirty or under writeback */
};

#define WT_SYS_CALLS(X)                                                                            \
	X(ssize_t, pwritev2,                                                                       \
	  (int fd, const struct iovec *iov, int iovcnt, off_t offset, int flags))                  \
	X(int, sync_file_range, (int fd, off_t offset, off_t len, unsigned int flags))             \
	X(int, fsync, (int fd))                                                                    \
	X(int, fdatasync, (int fd))                                                                \
	X(int, syncfs, (int fd))                                                                   \
	X(int, fadvise, (int fd, off_t offset, off_t len, int advice))                             \
	X(int, cachestat, (int fd, off_t offset, off_t len, struct wt_pages *pages))               \
	X(off_t, lseek, (int fd, off_t offset, int whence))                                        \
	X(int, getfl, (int fd))                                                                    \
	X(int, getfd, (int fd))                                                                    \
	X(int, getlease, (int fd))                                                                 \
	X(int, getlock, (int fd, struct flock *lock)) /* F_OFD_GETLK */                            \
	X(int, identify, (int fd, struct stat *st))                                                \
	X(int, identify_at, (int dirfd, const char *path, int flags, struct stat *st))             \
	X(int, fstatfs, (int fd, struct statfs *fs))                                               \
	X(int, fiemap, (int fd, struct fiemap *map))                                               \
	X(int, statfs, (const char *path, struct statfs *fs))                                      \
	X(int, ioctl, (int fd, unsigned long request, void *arg))                                  \
	X(int, fremovexattr, (int fd, const char *name))                                           \
	X(int, removexattr, (const char *path, const char *name))                                  \
	X(int, statx, (int fd, const char *path, int flags, unsigned int mask, struct statx *stx)) \
	X(ssize_t, readlink, (const char *path, char *buf, size_t size))                           \
	X(int, open, (const char *path, int flags, mode_t mode))                                   \
	X(int, openat, (int dirfd, const char *path, int flags))                                   \
	X(int, close, (int fd))                                                                    \
	X(int, dupfd, (int fd, int least)) /* F_DUPFD_CLOEXEC */                                   \
	X(ssize_t, read, (int fd, void *buf, size_t len))                                          \
	X(ssize_t, write, (int fd, const void *buf, size_t len))                                   \
	X(ssize_t, read_memory, (const struct iovec *to, const struct iovec *from, int from_cnt))

/*
 * pwritev2 carries out a write of the program's, so it is a cancellation point, and it changes
 * errno, which the edges restore.
 *
 * identify and identify_at (`flags` as for statx(2)) fill in st_dev, st_ino, st_mode, st_uid,
 * st_nlink, st_size, and in st_ctim the time when the file was made (0 if unknown); nothing else.
 * To ask for the other times marks them as seen, so that the next write stores new ones and dirties
 * the inode (multigrain timestamps, fs/inode.c, 6.13), which costs a journal write for every
 * RWF_DSYNC.
 *
 * read_memory copies from the program's memory as the kernel would: -EFAULT or a short count if an
 * address is not mapped. cachestat(2) exists since 6.5.
 */
struct wt_sys {
#define X(ret, name, params) ret(*name) params;
	WT_SYS_CALLS(X)
#undef X
};

extern struct wt_sys wt_sys;

/*
 * Copies `len` bytes of the program's memory. False if not all of it is mapped: then the kernel is
 * left to answer for it.
 */
bool wt_sys_read_program(void *to, const void *from, size_t len);

/*
 * Opens a file for libwt itself, close-on-exec, and moves the descriptor to a number that hardly
 * any program uses: near the limit of open files, or near 4096. So the lowest free number, which
 * the program may just have closed and expects again, is taken for a microsecond only. The caller
 * closes it before any call of the program's is made. Returns the descriptor or -errno.
 */
int wt_sys_open_aside(int dirfd, const char *path, int flags);

/*
 * Moves a descriptor that was just opened to such a number. An error (fd < 0) is returned as it is.
 */
int wt_sys_aside(int fd);

/*
 * Lets the kernel enlarge the process's descriptor table for those numbers, once and before they
 * are needed: with several threads that takes the kernel some 15 ms (expand_fdtable, fs/file.c).
 */
void wt_sys_prepare_aside(void);

/* So many EINTR in a row are not caused by signals but by a sandbox. */
#define WT_INTERRUPTIONS_MAX 1000

/* Writes all bytes, continuing after short writes and EINTR. Returns 0 or -errno. */
int wt_sys_write_all(int fd, const void *buf, size_t len);

/*
 * Maps zeroed memory that is zeroed again in a forked child (MADV_WIPEONFORK, since 4.14) and
 * shared with a vfork child. Returns 0 or -errno.
 */
int wt_sys_map_wiped(size_t size, void **ret_map);

/*
 * Provides zeroed memory that is shared with every process forked from here on. It is cut from one
 * mapping, since each mapping costs 5 us. Two threads must not call it at once (state/shared.c sees
 * to that). Returns 0 or -errno.
 */
int wt_sys_map_shared(size_t size, void **ret_map);

/*
 * Whether a thread raises the signal by what it does itself (SIGSEGV and the like), so that the
 * signal interrupts no wait.
 */
bool wt_sys_is_raised(int signal);

/*
 * Blocks the thread's signals, and restores the mask. Not blocked are those that the thread raises
 * itself, and the two by which libc cancels threads and changes user ids.
 */
struct wt_signals {
	sigset_t before;
	bool held; /* false if a sandbox refused */
};

void wt_sys_hold_signals(struct wt_signals *signals);
void wt_sys_let_signals(const struct wt_signals *signals);

/*
 * Whether the error says that the call is not available here (an old kernel, a file system, a
 * sandbox), so that it says nothing about the disk.
 */
static inline bool wt_sys_is_refusal(ssize_t err)
{
	return err == -ENOSYS || err == -EPERM || err == -EOPNOTSUPP || err == -EINVAL;
}

/* CLOCK_MONOTONIC in nanoseconds. */
uint64_t wt_sys_now_ns(void);

/* CLOCK_REALTIME in milliseconds since 1970. */
uint64_t wt_sys_unix_ms(void);

#endif
