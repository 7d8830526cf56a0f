/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#include "os/sys.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/fs.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/sysmacros.h>
#include <time.h>
#include <unistd.h>

#include "base/base.h"
#include "os/elf.h"
#include "os/raw.h"
#include "os/real.h"
#include "os/thread.h"

#define CACHESTAT 451 /* the number on every architecture; libc's headers may not have it */

static ssize_t sys_pwritev2(int fd, const struct iovec *iov, int iovcnt, off_t offset, int flags)
{
	ssize_t ret = wt_real.pwritev2(fd, iov, iovcnt, offset, flags);

	return ret < 0 ? -*wt_thread_failure() : ret;
}

static int sys_sync_file_range(int fd, off_t offset, off_t len, unsigned int flags)
{
	return wt_kernel(SYS_sync_file_range, fd, offset, len, flags);
}

static int sys_fsync(int fd)
{
	return wt_kernel(SYS_fsync, fd);
}

static int sys_fdatasync(int fd)
{
	return wt_kernel(SYS_fdatasync, fd);
}

static int sys_syncfs(int fd)
{
	return wt_kernel(SYS_syncfs, fd);
}

static int sys_fadvise(int fd, off_t offset, off_t len, int advice)
{
	return wt_kernel(SYS_fadvise64, fd, offset, len, advice);
}

static int sys_cachestat(int fd, off_t offset, off_t len, struct wt_pages *pages)
{
	struct {
		uint64_t offset, len;
	} range = { offset, len };
	struct {
		uint64_t cached, dirty, writeback, evicted, recently_evicted;
	} counts = { 0 };

	int err = wt_kernel(CACHESTAT, fd, &range, &counts, 0);
	if (err)
		return err;
	pages->cached = counts.cached;
	pages->unclean = counts.dirty + counts.writeback;
	return 0;
}

static off_t sys_lseek(int fd, off_t offset, int whence)
{
	return wt_kernel(SYS_lseek, fd, offset, whence);
}

static int sys_getfl(int fd)
{
	return wt_kernel(SYS_fcntl, fd, F_GETFL);
}

static int sys_getfd(int fd)
{
	return wt_kernel(SYS_fcntl, fd, F_GETFD);
}

static int sys_getlease(int fd)
{
	return wt_kernel(SYS_fcntl, fd, F_GETLEASE);
}

static int sys_getlock(int fd, struct flock *lock)
{
	return wt_kernel(SYS_fcntl, fd, F_OFD_GETLK, lock);
}

static int sys_identify_at(int dirfd, const char *path, int flags, struct stat *st)
{
	struct statx stx;
	unsigned int mask = STATX_TYPE | STATX_MODE | STATX_UID | STATX_INO | STATX_NLINK |
			    STATX_SIZE | STATX_BTIME;

	int err = wt_kernel(SYS_statx, dirfd, path, flags, mask, &stx);
	if (err == -EBADF)
		return err;
	/*
	 * A sandbox may not know statx, or may not translate its paths as it does those of other
	 * calls (proot). Then the file is identified by a call that asks for the times as well.
	 */
	if (err) {
		err = wt_kernel(SYS_newfstatat, dirfd, path, st, flags);
		st->st_ctim = (struct timespec){ 0 };
		return err;
	}
	*st = (struct stat){
		.st_dev = makedev(stx.stx_dev_major, stx.stx_dev_minor),
		.st_ino = stx.stx_ino,
		.st_mode = stx.stx_mode,
		.st_nlink = stx.stx_nlink,
		.st_uid = stx.stx_uid,
		.st_size = stx.stx_size,
		.st_ctim = { stx.stx_btime.tv_sec, stx.stx_btime.tv_nsec },
	};
	return 0;
}

static int sys_identify(int fd, struct stat *st)
{
	return sys_identify_at(fd, "", AT_EMPTY_PATH, st);
}

static int sys_fiemap(int fd, struct fiemap *map)
{
	return wt_kernel(SYS_ioctl, fd, FS_IOC_FIEMAP, map);
}

static int sys_ioctl(int fd, unsigned long request, void *arg)
{
	return wt_kernel(SYS_ioctl, fd, request, arg);
}

static int sys_fremovexattr(int fd, const char *name)
{
	return wt_kernel(SYS_fremovexattr, fd, name);
}

static int sys_removexattr(const char *path, const char *name)
{
	return wt_kernel(SYS_removexattr, path, name);
}

static int sys_statfs(const char *path, struct statfs *fs)
{
	return wt_kernel(SYS_statfs, path, fs);
}

static int sys_fstatfs(int fd, struct statfs *fs)
{
	return wt_kernel(SYS_fstatfs, fd, fs);
}

static int sys_statx(int fd, const char *path, int flags, unsigned int mask, struct statx *stx)
{
	return wt_kernel(SYS_statx, fd, path, flags, mask, stx);
}

static ssize_t sys_readlink(const char *path, char *buf, size_t size)
{
	return wt_kernel(SYS_readlinkat, AT_FDCWD, path, buf, size);
}

static int sys_open(const char *path, int flags, mode_t mode)
{
	return wt_kernel(SYS_openat, AT_FDCWD, path, flags, mode);
}

static int sys_openat(int dirfd, const char *path, int flags)
{
	return wt_kernel(SYS_openat, dirfd, path, flags, 0);
}

static int sys_close(int fd)
{
	return wt_kernel(SYS_close, fd);
}

static int sys_dupfd(int fd, int least)
{
	return wt_kernel(SYS_fcntl, fd, F_DUPFD_CLOEXEC, least);
}

static ssize_t sys_read(int fd, void *buf, size_t len)
{
	return wt_kernel(SYS_read, fd, buf, len);
}

static ssize_t sys_write(int fd, const void *buf, size_t len)
{
	return wt_kernel(SYS_write, fd, buf, len);
}

static ssize_t sys_read_memory(const struct iovec *to, const struct iovec *from, int from_cnt)
{
	return wt_kernel(SYS_process_vm_readv, getpid(), to, 1L, from, (long)from_cnt, 0L);
}

struct wt_sys wt_sys = {
#define X(ret, name, params) .name = sys_##name,
	WT_SYS_CALLS(X)
#undef X
};

#define ASIDE_ROOM 64 /* so many numbers below the limit, for threads that open files at once */
#define ASIDE_MAX 4096

static int least_aside(void)
{
	struct rlimit limit;
	rlim_t end = ASIDE_MAX;

	if (!wt_kernel(SYS_prlimit64, 0, RLIMIT_NOFILE, NULL, &limit) && limit.rlim_cur < end)
		end = limit.rlim_cur;
	return end > 2 * ASIDE_ROOM ? end - ASIDE_ROOM : 0;
}

int wt_sys_aside(int fd)
{
	int aside = fd < 0 ? fd : wt_sys.dupfd(fd, least_aside());

	if (aside < 0)
		return fd;
	wt_sys.close(fd);
	return aside;
}

int wt_sys_open_aside(int dirfd, const char *path, int flags)
{
	return wt_sys_aside(wt_sys.openat(dirfd, path, flags | O_CLOEXEC));
}

void wt_sys_prepare_aside(void)
{
	int fd = wt_sys_open_aside(AT_FDCWD, "/", O_PATH);

	if (fd >= 0)
		wt_sys.close(fd);
}

int wt_sys_write_all(int fd, const void *buf, size_t len)
{
	const char *at = buf;
	unsigned int interruptions = 0;

	while (len) {
		ssize_t n = wt_sys.write(fd, at, len);
		if (n == -EINTR && ++interruptions < WT_INTERRUPTIONS_MAX)
			continue;
		if (n <= 0)
			return n ? n : -EIO;
		at += n;
		len -= n;
	}
	return 0;
}

int wt_sys_map_wiped(size_t size, void **ret_map)
{
	void *map = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (map == MAP_FAILED)
		return -*wt_thread_failure();
	if (madvise(map, size, MADV_WIPEONFORK)) {
		int err = -*wt_thread_failure();

		munmap(map, size);
		return err;
	}
	*ret_map = map;
	return 0;
}

#define PIECE_BYTES 64
#define SHARED_BYTES (1152u << 10) /* what all tables together need */

int wt_sys_map_shared(size_t size, void **ret_map)
{
	static char *rest;
	static size_t rest_bytes;

	size = wt_round_up(size, PIECE_BYTES);
	if (size > rest_bytes) {
		size_t mapped = size > SHARED_BYTES ? size : SHARED_BYTES;
		void *map = mmap(NULL, mapped, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
				 -1, 0);

		if (map == MAP_FAILED)
			return -*wt_thread_failure();
		rest = map;
		rest_bytes = mapped;
	}
	*ret_map = rest;
	rest += size;
	rest_bytes -= size;
	return 0;
}

/*
 * Copies through a pipe, whose write(2) answers EFAULT as well. The default seccomp profiles of
 * containers refuse process_vm_readv(2). Only as much as a pipe takes at once (PIPE_BUF, pipe(7)).
 */
static bool read_by_pipe(void *to, const void *from, size_t len)
{
	int ends[2];

	if (len > PIPE_BUF || wt_kernel(SYS_pipe2, ends, O_CLOEXEC | O_NONBLOCK))
		return false;
	bool read = wt_sys.write(ends[1], from, len) == (ssize_t)len &&
		    wt_sys.read(ends[0], to, len) == (ssize_t)len;
	wt_sys.close(ends[0]);
	wt_sys.close(ends[1]);
	return read;
}

bool wt_sys_read_program(void *to, const void *from, size_t len)
{
	struct iovec into = { to, len }, source = { (void *)from, len };
	ssize_t got = wt_sys.read_memory(&into, &source, 1);

	return wt_sys_is_refusal(got) ? read_by_pipe(to, from, len) : got == (ssize_t)len;
}

#define KERNEL_SIGSET_BYTES 8

static const int raised[] = { SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGSYS };

bool wt_sys_is_raised(int signal)
{
	for (size_t i = 0; i < WT_LENGTH(raised); i++)
		if (raised[i] == signal)
			return true;
	return false;
}

void wt_sys_hold_signals(struct wt_signals *signals)
{
	sigset_t all;

	sigfillset(&all);
	/*
	 * A blocked signal kills if the thread raises it itself. Its handler may be needed: to make
	 * memory readable that a stream reads, or to answer a seccomp filter (SECCOMP_RET_TRAP).
	 */
	for (size_t i = 0; i < WT_LENGTH(raised); i++)
		sigdelset(&all, raised[i]);
	signals->held = !wt_kernel(SYS_rt_sigprocmask, SIG_SETMASK, &all, &signals->before,
				   KERNEL_SIGSET_BYTES);
}

void wt_sys_let_signals(const struct wt_signals *signals)
{
	for (int tries = 0; signals->held && tries < 3; tries++)
		if (!wt_kernel(SYS_rt_sigprocmask, SIG_SETMASK, &signals->before, NULL,
			       KERNEL_SIGSET_BYTES))
			return;
}

typedef int clock_function(clockid_t clock, struct timespec *now);

static int clock_by_call(clockid_t clock, struct timespec *now)
{
	return wt_kernel(SYS_clock_gettime, clock, now);
}

static clock_function find_clock;
static clock_function *_Atomic clock_now = find_clock;

/*
 * Finds the kernel's clock function in the vDSO (vdso(7)), five times as fast as the system call.
 * Threads that look for it at once find the same.
 */
static clock_function *vdso_clock(void)
{
#if defined(__aarch64__)
	const struct wt_elf_name name = wt_elf_name("__kernel_clock_gettime");
#else
	const struct wt_elf_name name = wt_elf_name("__vdso_clock_gettime");
#endif
	const ElfW(Ehdr) *head = (const void *)getauxval(AT_SYSINFO_EHDR);
	const ElfW(Phdr) *part = head ? (const void *)((const char *)head + head->e_phoff) : NULL;
	const ElfW(Phdr) *loaded = NULL, *dynamic = NULL;
	struct wt_elf vdso;

	for (int i = 0; part && i < head->e_phnum; i++) {
		loaded = !loaded && part[i].p_type == PT_LOAD ? &part[i] : loaded;
		dynamic = part[i].p_type == PT_DYNAMIC ? &part[i] : dynamic;
	}
	if (!loaded || !dynamic)
		return NULL;
	uintptr_t base = (uintptr_t)head + loaded->p_offset - loaded->p_vaddr;
	if (!wt_elf_read(&vdso, base, (const void *)(base + dynamic->p_vaddr)))
		return NULL;
	const ElfW(Sym) *symbol = wt_elf_find(&vdso, &name);
	return symbol ? (clock_function *)wt_elf_address(&vdso, symbol) : NULL;
}

static int find_clock(clockid_t clock, struct timespec *now)
{
	clock_function *found = vdso_clock();

	found = found ? found : clock_by_call;
	atomic_store_explicit(&clock_now, found, memory_order_relaxed);
	return found(clock, now);
}

uint64_t wt_sys_now_ns(void)
{
	struct timespec now = { 0 };

	/* libc's function is not called: a library that fakes the time may interpose it. */
	atomic_load_explicit(&clock_now, memory_order_relaxed)(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000000000ULL + now.tv_nsec;
}

uint64_t wt_sys_unix_ms(void)
{
	struct timespec now = { 0 };

	wt_syscall(SYS_clock_gettime, CLOCK_REALTIME, &now);
	return now.tv_sec < 0 ? 0 : now.tv_sec * 1000ULL + now.tv_nsec / 1000000;
}
