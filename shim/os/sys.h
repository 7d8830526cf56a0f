/* SPDX-License-Identifier: MIT */
/*
 * sys - the system calls that libwt makes for itself.
 *
 * A named table, so that a unit test can put a failing call in the place of any
 * of them. Every entry returns a value >= 0 or -errno, leaves errno
 * alone (pwritev2 does not: the edges restore it), is async-signal-safe and no cancellation point,
 * except where it says otherwise. The writes that the program asked for are
 * made through wt_real, in the program's own form.
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

/* What the page cache holds of a range. */
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
 * pwritev2 is a cancellation point, being a write of the program's. identify, and identify_at with
 * the flags of statx(2), fill st_dev, st_ino, st_mode, st_uid, st_nlink, st_size, and into st_ctim
 * the time when the file was made (0 where that is not known), and nothing else: asking for the
 * other times would mark them as seen, so that the next write stores new ones and
 * dirties the inode (multigrain timestamps, fs/inode.c, 6.13), a journal write
 * for every RWF_DSYNC. read_memory copies from the program's memory as the kernel would: -EFAULT,
 * or a short count, where the program passed an address that is not there. cachestat(2) is of
 * 6.5.
 */
struct wt_sys {
#define X(ret, name, params) ret(*name) params;
	WT_SYS_CALLS(X)
#undef X
};

extern struct wt_sys wt_sys;

/* Reads the program's memory: whether all of it is there. What is not is the kernel's to answer. */
bool wt_sys_read_program(void *to, const void *from, size_t len);

/*
 * Opens for libwt itself, close-on-exec, and moves what it got to a number where hardly any program
 * has one: near the limit of open files, or near 4096. The lowest free number, which is the one
 * that the program may just have closed, is taken for a microsecond only. Never to be held while a
 * call of the program's runs. The descriptor or -errno.
 */
int wt_sys_open_aside(int dirfd, const char *path, int flags);

/* Moves one that was just opened there; what is an error stays one. */
int wt_sys_aside(int fd);

/*
 * Once, as early as a process is known to need it: lets the kernel make its table of descriptors as
 * large as those numbers need, which takes it some 15 ms where there are several threads
 * (expand_fdtable, fs/file.c).
 */
void wt_sys_prepare_aside(void);

/* So many EINTR in a row are no signals, but a sandbox. */
#define WT_INTERRUPTIONS_MAX 1000

/* Writes all of it, over short writes and EINTR. 0 or -errno. */
int wt_sys_write_all(int fd, const void *buf, size_t len);

/*
 * Maps zeroed memory that a forked child finds zeroed again (MADV_WIPEONFORK,
 * 4.14), while a vfork child shares it. 0 or -errno.
 */
int wt_sys_map_wiped(size_t size, void **ret_map);

/*
 * Zeroed memory that is shared with every process forked from here on, by pieces of one mapping:
 * each costs 5 us. Not for two threads at once (shared.h). 0 or -errno.
 */
int wt_sys_map_shared(size_t size, void **ret_map);

/* Whether it comes of what a thread does itself (SIGSEGV), and so interrupts no wait. */
bool wt_sys_is_raised(int signal);

/*
 * Holds the thread's signals off, all but the two that libc cancels threads and changes user ids
 * by, and those that the thread raises itself, and sets the mask again.
 */
struct wt_signals {
	sigset_t before;
	bool held; /* false where a sandbox refused */
};

void wt_sys_hold_signals(struct wt_signals *signals);
void wt_sys_let_signals(const struct wt_signals *signals);

/*
 * Whether the error of a call says that it is not to be had here (an old kernel, a file system, a
 * sandbox), which is no answer of the disk.
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
