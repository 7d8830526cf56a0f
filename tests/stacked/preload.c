/* SPDX-License-Identifier: MIT */
/*
 * Libraries to be preloaded beside libwt, one for each macro:
 *
 *   ALLOCATOR  malloc under a lock that is not to be taken twice. With it held it opens and reads a
 *              file, as jemalloc does at its start; and it writes, syncs and renames the one that
 *              ALLOCATOR_FILE names. It ends the program where malloc is called from inside
 *              malloc, which with RECURSIVE it does itself.
 *   EARLY      writes the file that EARLY_FILE names in its constructor, in every way, and in its
 *              destructor. It says which calls failed, and what each left dirty.
 *   PATCHER    writes over libc's code, with what was there.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#ifdef ALLOCATOR

#define HEAP (64u << 20)
#define ALIGN 16
#define EVERY 64 /* so many allocations */

static _Atomic pid_t holder;
static char *heap;
static size_t used, calls;
static int file = -1;

static void enter(void)
{
	pid_t self = syscall(SYS_gettid), nobody = 0;

	if (holder == self) {
		static const char words[] = "allocator: malloc in malloc\n";

		syscall(SYS_write, STDERR_FILENO, words, sizeof(words) - 1);
		syscall(SYS_exit_group, 99);
	}
	while (!atomic_compare_exchange_weak(&holder, &nobody, self))
		nobody = 0;
}

static void leave(void)
{
	holder = 0;
}

/* What allocators do with their lock held, and more. */
static void do_io(void)
{
	static char block[4096] __attribute__((aligned(4096)));
	const char *path = environ ? getenv("ALLOCATOR_FILE") : NULL;
	int fd = open("/proc/sys/vm/overcommit_memory", O_RDONLY | O_CLOEXEC);
	int errno_before = errno;

#ifdef RECURSIVE
	free(malloc(1));
#endif
	if (fd >= 0) {
		if (read(fd, block, 1) < 0)
			abort();
		close(fd);
	}
	if (path && file < 0)
		file = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (file >= 0 && (pwrite(file, block, sizeof(block), 0) != sizeof(block) ||
			  write(file, block, 100) != 100 || fdatasync(file) || rename(path, path)))
		abort();
	errno = errno_before;
}

static void *take(size_t size, size_t align)
{
	enter();
	if (!heap)
		heap = mmap(NULL, HEAP, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (calls++ % EVERY == 0)
		do_io();
	size_t start = (used + sizeof(size) + align - 1) / align * align;
	bool fits = start + size <= HEAP;
	if (fits) {
		used = start + size;
		memcpy(heap + start - sizeof(size), &size, sizeof(size));
	}
	leave();
	return fits ? heap + start : NULL;
}

void *malloc(size_t size)
{
	return take(size, ALIGN);
}

void free(void *memory)
{
	(void)memory;
}

void *calloc(size_t count, size_t size)
{
	return take(count * size, ALIGN);
}

void *realloc(void *old, size_t size)
{
	void *made = take(size, ALIGN);
	size_t old_size = 0;

	if (old)
		memcpy(&old_size, (char *)old - sizeof(old_size), sizeof(old_size));
	if (made && old)
		memcpy(made, old, old_size < size ? old_size : size);
	return made;
}

void *memalign(size_t align, size_t size)
{
	return take(size, align < ALIGN ? ALIGN : align);
}

void *aligned_alloc(size_t align, size_t size)
{
	return memalign(align, size);
}

int posix_memalign(void **memory, size_t align, size_t size)
{
	*memory = memalign(align, size);
	return *memory ? 0 : ENOMEM;
}

size_t malloc_usable_size(void *memory)
{
	size_t size;

	memcpy(&size, (char *)memory - sizeof(size), sizeof(size));
	return size;
}

#endif

#ifdef EARLY

#include "../lib/probe.h"

static char block[4096];
static int failed;
static char path[256], other[260], template[280];

#define DO(what)                                                                                   \
	do {                                                                                       \
		errno = 0;                                                                         \
		if (what)                                                                          \
			break;                                                                     \
		failed++;                                                                          \
		fprintf(stderr, "early: %s: %s\n", #what, strerror(errno));                        \
	} while (0)

static void write_in_every_way(int fd)
{
	struct iovec iov = { block, sizeof(block) };
	const ssize_t size = sizeof(block);

	DO(write(fd, block, size) == size);
	DO(pwrite(fd, block, size, size) == size);
	DO(writev(fd, &iov, 1) == size);
	DO(pwritev(fd, &iov, 1, 0) == size);
	DO(pwritev2(fd, &iov, 1, 0, RWF_DSYNC) == size);
	DO(!fsync(fd) && !fdatasync(fd));
	DO(!sync_file_range(fd, 0, 0, SYNC_FILE_RANGE_WRITE));
	DO(!posix_fallocate(fd, 0, 2 * size) && !fallocate(fd, 0, 0, size));
	DO(!ftruncate(fd, 4 * size) && !truncate(path, 4 * size));
	DO(write(-1, block, 1) == -1 && errno == EBADF);
	DO(write(fd, NULL, 1) == -1 && errno == EFAULT);
	DO(fsync(-1) == -1 && errno == EBADF);
}

static void open_in_every_way(int fd)
{
	int copies[] = { dup(fd), fcntl(fd, F_DUPFD_CLOEXEC, 50), open(path, O_RDONLY),
			 openat(AT_FDCWD, path, O_WRONLY | O_APPEND) };
	FILE *stream;

	for (size_t i = 0; i < sizeof(copies) / sizeof(*copies); i++) {
		DO(copies[i] > fd);
		DO(!close(copies[i]));
	}
	DO(open("/none/such", O_RDWR) == -1 && errno == ENOENT);
	DO(dup2(fd, 60) == 60 && !close(60) && dup3(fd, 61, O_CLOEXEC) == 61);
	DO(!close_range(61, 61, 0) && close(61) == -1 && errno == EBADF);
	DO((stream = fopen(other, "w")) && fprintf(stream, "early\n") == 6 && !fclose(stream));
	DO(!rename(other, template) && !link(template, other) && !unlink(template) &&
	   !remove(other));
	strcat(template, "-XXXXXX");
	DO((fd = mkstemp(template)) >= 0 && !close(fd) && !unlink(template));
	DO(mmap(NULL, 1, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) != MAP_FAILED);
}

static int early_fd = -1;

__attribute__((constructor)) static void begin(void)
{
	if (!getenv("EARLY_FILE"))
		return;
	snprintf(path, sizeof(path), "%s", getenv("EARLY_FILE"));
	snprintf(other, sizeof(other), "%s-o", path);
	snprintf(template, sizeof(template), "%s-t", path);
	early_fd = open(path, O_RDWR | O_CREAT, 0600);
	DO(early_fd >= 0);
	write_in_every_way(early_fd);
	open_in_every_way(early_fd);
	DO(write(early_fd, block, sizeof(block)) == sizeof(block));
	fprintf(stderr, "early_failed=%d\nearly_dirty=%lu\n", failed,
		(unsigned long)probe_dirty_pages(early_fd));
}

__attribute__((destructor)) static void end(void)
{
	if (early_fd < 0)
		return;
	DO(write(early_fd, block, sizeof(block)) == sizeof(block));
	fprintf(stderr, "late_failed=%d\nlate_dirty=%lu\n", failed,
		(unsigned long)probe_dirty_pages(early_fd));
}

#endif

#ifdef PATCHER

__attribute__((constructor)) static void patch(void)
{
	uintptr_t page = (uintptr_t)&getpid & -(uintptr_t)4096;
	volatile char *code = (volatile char *)page;

	if (mprotect((void *)page, 4096, PROT_READ | PROT_WRITE | PROT_EXEC))
		abort();
	*code = *code;
	if (mprotect((void *)page, 4096, PROT_READ | PROT_EXEC))
		abort();
}

#endif
