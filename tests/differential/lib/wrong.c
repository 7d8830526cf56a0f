/* SPDX-License-Identifier: MIT */
/*
 * Preloaded libraries that are wrong, each in one way in which a write-through library easily
 * goes wrong: differential.sh and sanitizers.sh build them one by one, with -DNAME, and must catch
 * every one. Where a race decides, sched_yield lets it be lost often enough.
 */
#define _GNU_SOURCE 1
#include <aio.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#define BLOCK 4096
#define STEP 65536

/* Wrong in one way only: errno is what the kernel would have left. */
static ssize_t answer(ssize_t result, int errno_before)
{
	if (result >= 0)
		errno = errno_before;
	return result;
}

#if defined(READS_PAST_THE_END)
static volatile char few[16];
#elif defined(COUNTS_IN_A_RACE)
static volatile unsigned long calls;
#endif

static ssize_t wrong_write(int fd, const void *from, size_t len)
{
#if defined(READS_PAST_THE_END)
	few[0] = few[len ? 16 : 0];
#elif defined(COUNTS_IN_A_RACE)
	calls++;
#elif defined(LOSES_MEMORY)
	void *volatile lost = malloc(1);

	lost = NULL;
#elif defined(TEARS_APPENDS)
	if (len > 64 && len <= STEP && (fcntl(fd, F_GETFL) & O_APPEND)) {
		ssize_t done = syscall(SYS_write, fd, from, len / 2);

		sched_yield();
		if (done == (ssize_t)(len / 2))
			return done + syscall(SYS_write, fd, (char *)from + done, len - done);
		return done;
	}
#elif defined(OWNS_THE_OFFSET)
	off_t at = lseek(fd, 0, SEEK_CUR);

	if (at >= 0 && !(fcntl(fd, F_GETFL) & O_APPEND)) {
		ssize_t done;

		sched_yield();
		done = syscall(SYS_pwrite64, fd, from, len, at);
		if (done > 0)
			lseek(fd, at + done, SEEK_SET);
		return done;
	}
#elif defined(MOVES_THE_OFFSET)
	ssize_t done = syscall(SYS_write, fd, from, len);
	int saved_errno = errno;

	if (done < 0)
		lseek(fd, 1, SEEK_CUR);
	errno = saved_errno;
	return done;
#endif
	return syscall(SYS_write, fd, from, len);
}

ssize_t write(int fd, const void *from, size_t len)
{
#if defined(CLEARS_ERRNO)
	return answer(wrong_write(fd, from, len), 0);
#else
	int errno_before = errno;

	return answer(wrong_write(fd, from, len), errno_before);
#endif
}

#if defined(KEEPS_A_DESCRIPTOR)
__attribute__((constructor)) static void keep_a_descriptor(void)
{
	syscall(SYS_openat, AT_FDCWD, "/dev/null", O_WRONLY);
}
#elif defined(DROPS_LOCKS)
#define WRONG_PWRITE
static ssize_t wrong_pwrite(int fd, const void *from, size_t len, off_t offset)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	syscall(SYS_close, syscall(SYS_openat, AT_FDCWD, path, O_RDONLY));
	return syscall(SYS_pwrite64, fd, from, len, offset);
}
#elif defined(WRITES_NEIGHBOURS)
#define WRONG_PWRITE
static ssize_t wrong_pwrite(int fd, const void *from, size_t len, off_t offset)
{
	char before[BLOCK];
	char after[BLOCK];
	size_t head = offset & (BLOCK - 1);
	size_t tail = -(offset + len) & (BLOCK - 1);

	if (offset >= 0 && len <= STEP && !(fcntl(fd, F_GETFL) & (O_APPEND | O_DIRECT)) &&
	    syscall(SYS_pread64, fd, before, head, offset - head) == (ssize_t)head &&
	    syscall(SYS_pread64, fd, after, tail, offset + len) == (ssize_t)tail) {
		struct iovec block[] = { { before, head }, { (void *)from, len }, { after, tail } };

		sched_yield();
		if (pwritev(fd, block, 3, offset - head) == (ssize_t)(head + len + tail))
			return len;
	}
	return syscall(SYS_pwrite64, fd, from, len, offset);
}
#elif defined(GOES_ON_AFTER_A_SHORT_WRITE)
#define WRONG_PWRITE
static ssize_t wrong_pwrite(int fd, const void *from, size_t len, off_t offset)
{
	ssize_t total = syscall(SYS_pwrite64, fd, from, len, offset);
	ssize_t step = total;

	while (step > 0 && (size_t)total < len) {
		step = syscall(SYS_pwrite64, fd, (char *)from + total, len - total, offset + total);
		if (step > 0)
			total += step;
	}
	return total;
}
#elif defined(TRUSTS_ITS_TABLE)
#define WRONG_PWRITE
#define DESCRIPTORS 64
static char paths[DESCRIPTORS][512];

int open(const char *path, int flags, ...)
{
	va_list args;
	long fd;

	va_start(args, flags);
	fd = syscall(SYS_openat, AT_FDCWD, path, flags, va_arg(args, mode_t));
	va_end(args);
	if (fd >= 0 && fd < DESCRIPTORS)
		snprintf(paths[fd], sizeof(paths[fd]), "%s", path);
	return fd;
}

static ssize_t wrong_pwrite(int fd, const void *from, size_t len, off_t offset)
{
	ssize_t done = -1;

	if (fd >= 0 && fd < DESCRIPTORS && paths[fd][0]) {
		int mirror = syscall(SYS_openat, AT_FDCWD, paths[fd], O_WRONLY);

		done = syscall(SYS_pwrite64, mirror, from, len, offset);
		syscall(SYS_close, mirror);
	}
	return done >= 0 ? done : syscall(SYS_pwrite64, fd, from, len, offset);
}
#endif

#if defined(WRONG_PWRITE)
ssize_t pwrite(int fd, const void *from, size_t len, off_t offset)
{
	int errno_before = errno;

	return answer(wrong_pwrite(fd, from, len, offset), errno_before);
}
#endif

#if defined(FLUSHES_EARLY) || defined(FLUSHES_BEFORE_FORK) ||                                      \
	defined(LOSES_THE_ERROR_OF_A_STREAM) || defined(SEEKS_A_STREAM) ||                         \
	defined(BUFFERS_A_STREAM) || defined(COPIES_WITHOUT_THE_OFFSET) ||                         \
	defined(TELLS_AIO_ERRORS_EARLY)
#define NEXT(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))
#endif

#if defined(FLUSHES_EARLY)
size_t fwrite(const void *from, size_t size, size_t count, FILE *file)
{
	size_t done = NEXT(fwrite)(from, size, count, file);

	fflush(file);
	return done;
}
#elif defined(FLUSHES_BEFORE_FORK)
pid_t fork(void)
{
	fflush(NULL);
	return NEXT(fork)();
}
#elif defined(LOSES_THE_ERROR_OF_A_STREAM)
int fflush(FILE *file)
{
	int ret = NEXT(fflush)(file);

	if (ret && file)
		clearerr(file);
	return ret;
}
#elif defined(SEEKS_A_STREAM)
/* To find out how much it will have written. */
int fputs(const char *text, FILE *file)
{
	ftell(file);
	fseek(file, 0, SEEK_CUR);
	return NEXT(fputs)(text, file);
}
#elif defined(BUFFERS_A_STREAM)
int setvbuf(FILE *file, char *room, int mode, size_t len)
{
	return NEXT(setvbuf)(file, mode == _IONBF ? NULL : room, mode == _IONBF ? _IOFBF : mode,
			     len);
}
#elif defined(COPIES_WITHOUT_THE_OFFSET)
ssize_t copy_file_range(int in, off64_t *in_offset, int out, off64_t *out_offset, size_t len,
			unsigned int flags)
{
	off64_t from = lseek(in, 0, SEEK_CUR);

	return NEXT(copy_file_range)(in, in_offset ? in_offset : &from, out, out_offset, len,
				     flags);
}
#elif defined(TELLS_AIO_ERRORS_EARLY)
int aio_write(struct aiocb *request)
{
	if (fcntl(request->aio_fildes, F_GETFD) < 0)
		return -1;
	return NEXT(aio_write)(request);
}
#endif
