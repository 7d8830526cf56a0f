/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#include "os/real.h"

#include <errno.h>
#include <link.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/base.h"
#include "os/raw.h"
#include "os/scope.h"

static ssize_t raw_write(int fd, const void *buf, size_t len)
{
	return wt_syscall(SYS_write, fd, buf, len);
}

static ssize_t raw_pwrite(int fd, const void *buf, size_t len, off_t offset)
{
	return wt_syscall(SYS_pwrite64, fd, buf, len, offset);
}

static ssize_t raw_writev(int fd, const struct iovec *iov, int iovcnt)
{
	return wt_syscall(SYS_writev, fd, iov, iovcnt);
}

/* The offset of the vector calls is passed in two halves; 64-bit kernels ignore the high one. */
static ssize_t raw_pwritev(int fd, const struct iovec *iov, int iovcnt, off_t offset)
{
	return wt_syscall(SYS_pwritev, fd, iov, (long)iovcnt, offset, 0L);
}

static ssize_t raw_pwritev2(int fd, const struct iovec *iov, int iovcnt, off_t offset, int flags)
{
	return wt_syscall(SYS_pwritev2, fd, iov, (long)iovcnt, offset, 0L, flags);
}

static int raw_openat(int dirfd, const char *path, int flags, ...)
{
	va_list args;

	va_start(args, flags);
	mode_t mode = va_arg(args, mode_t);
	va_end(args);
	return wt_syscall(SYS_openat, dirfd, path, flags, mode);
}

static int raw_open(const char *path, int flags, ...)
{
	va_list args;

	va_start(args, flags);
	mode_t mode = va_arg(args, mode_t);
	va_end(args);
	return wt_syscall(SYS_openat, AT_FDCWD, path, flags, mode);
}

static int raw___open_2(const char *path, int flags)
{
	return raw_open(path, flags, 0);
}

static int raw___openat_2(int dirfd, const char *path, int flags)
{
	return raw_openat(dirfd, path, flags, 0);
}

static int raw_dup(int fd)
{
	return wt_syscall(SYS_dup, fd);
}

/* dup3 refuses two equal numbers; dup2 returns the number if it is open. */
static int raw_dup2(int fd, int newfd)
{
	if (fd == newfd)
		return wt_syscall(SYS_fcntl, fd, F_GETFD) < 0 ? -1 : newfd;
	return wt_syscall(SYS_dup3, fd, newfd, 0);
}

static int raw_dup3(int fd, int newfd, int flags)
{
	return wt_syscall(SYS_dup3, fd, newfd, flags);
}

static int raw_fcntl(int fd, int cmd, ...)
{
	va_list args;

	va_start(args, cmd);
	void *arg = va_arg(args, void *);
	va_end(args);
	return wt_syscall(SYS_fcntl, fd, cmd, arg);
}

static int raw_close(int fd)
{
	return wt_syscall(SYS_close, fd);
}

static int raw_close_range(unsigned int first, unsigned int last, int flags)
{
	return wt_syscall(SYS_close_range, first, last, flags);
}

static int raw_unshare(int flags)
{
	return wt_syscall(SYS_unshare, flags);
}

static int raw_prctl(int option, ...)
{
	va_list args;

	va_start(args, option);
	long b = va_arg(args, long), c = va_arg(args, long);
	long d = va_arg(args, long), e = va_arg(args, long);
	va_end(args);
	return wt_syscall(SYS_prctl, option, b, c, d, e);
}

/*
 * libc's internal name, which can be linked without a look-up: an allocator creates its key before
 * anything can be looked up.
 */
int __pthread_key_create(pthread_key_t *key, void (*destructor)(void *));

static int raw_pthread_key_create(pthread_key_t *key, void (*destructor)(void *))
{
	return __pthread_key_create(key, destructor);
}

static void raw_closefrom(int first)
{
	raw_close_range(first < 0 ? 0 : first, ~0U, 0);
}

static int raw_fsync(int fd)
{
	return wt_syscall(SYS_fsync, fd);
}

static int raw_fdatasync(int fd)
{
	return wt_syscall(SYS_fdatasync, fd);
}

static int raw_sync_file_range(int fd, off64_t offset, off64_t len, unsigned int flags)
{
	return wt_syscall(SYS_sync_file_range, fd, offset, len, flags);
}

static void *raw_mmap(void *addr, size_t len, int prot, int flags, int fd, off_t offset)
{
	return (void *)wt_syscall(SYS_mmap, addr, len, prot, flags, fd, offset);
}

static int raw_mprotect(void *addr, size_t len, int prot)
{
	return wt_syscall(SYS_mprotect, addr, len, prot);
}

static int raw_pkey_mprotect(void *addr, size_t len, int prot, int key)
{
	return wt_syscall(SYS_pkey_mprotect, addr, len, prot, key);
}

static int raw_ioctl(int fd, unsigned long request, ...)
{
	va_list args;

	va_start(args, request);
	void *arg = va_arg(args, void *);
	va_end(args);
	return wt_syscall(SYS_ioctl, fd, request, arg);
}

static int raw_fallocate(int fd, int mode, off_t offset, off_t len)
{
	return wt_syscall(SYS_fallocate, fd, mode, offset, len);
}

static ssize_t raw_copy_file_range(int in, off64_t *in_offset, int out, off64_t *out_offset,
				   size_t len, unsigned int flags)
{
	return wt_syscall(SYS_copy_file_range, in, in_offset, out, out_offset, len, flags);
}

static ssize_t raw_sendfile(int out, int in, off_t *offset, size_t len)
{
	return wt_syscall(SYS_sendfile, out, in, offset, len);
}

static ssize_t raw_splice(int in, off64_t *in_offset, int out, off64_t *out_offset, size_t len,
			  unsigned int flags)
{
	return wt_syscall(SYS_splice, in, in_offset, out, out_offset, len, flags);
}

static int raw_execve(const char *path, char *const argv[], char *const envp[])
{
	return wt_syscall(SYS_execve, path, argv, envp);
}

static int raw_execveat(int dirfd, const char *path, char *const argv[], char *const envp[],
			int flags)
{
	return wt_syscall(SYS_execveat, dirfd, path, argv, envp, flags);
}

static ssize_t raw_sendmsg(int socket, const struct msghdr *message, int flags)
{
	return wt_syscall(SYS_sendmsg, socket, message, flags);
}

static int raw_sendmmsg(int socket, struct mmsghdr *messages, unsigned int count, int flags)
{
	return wt_syscall(SYS_sendmmsg, socket, messages, count, flags);
}

/* The calls for names use the newest system call of each family, which every architecture has. */
static int raw_renameat2(int from_dir, const char *from, int to_dir, const char *to,
			 unsigned int flags)
{
	return wt_syscall(SYS_renameat2, from_dir, from, to_dir, to, flags);
}

static int raw_renameat(int from_dir, const char *from, int to_dir, const char *to)
{
	return raw_renameat2(from_dir, from, to_dir, to, 0);
}

static int raw_rename(const char *from, const char *to)
{
	return raw_renameat2(AT_FDCWD, from, AT_FDCWD, to, 0);
}

static int raw_linkat(int from_dir, const char *from, int to_dir, const char *to, int flags)
{
	return wt_syscall(SYS_linkat, from_dir, from, to_dir, to, flags);
}

static int raw_link(const char *from, const char *to)
{
	return raw_linkat(AT_FDCWD, from, AT_FDCWD, to, 0);
}

static int raw_unlinkat(int dir, const char *path, int flags)
{
	return wt_syscall(SYS_unlinkat, dir, path, flags);
}

static int raw_unlink(const char *path)
{
	return raw_unlinkat(AT_FDCWD, path, 0);
}

static int raw_remove(const char *path)
{
	int ret = raw_unlink(path);

	return ret && errno == EISDIR ? raw_unlinkat(AT_FDCWD, path, AT_REMOVEDIR) : ret;
}

static int raw_truncate(const char *path, off_t len)
{
	return wt_syscall(SYS_truncate, path, len);
}

static int raw_ftruncate(int fd, off_t len)
{
	return wt_syscall(SYS_ftruncate, fd, len);
}

static void raw__exit(int status)
{
	for (;;)
		wt_syscall(SYS_exit_group, status);
}

/*
 * No system call does what these functions do. If one is called before the constructor, it looks up
 * the table first. Code that must not allocate calls none of them.
 */
#define WT_SYMBOL(ret, name, params)
#define WT_LIBC(ret, name, params, args)                                                           \
	static ret raw_##name params                                                               \
	{                                                                                          \
		wt_real_resolve();                                                                 \
		return wt_real.name args;                                                          \
	}
#define WT_URING(ret, name, params) ret wt_own_##name params;
#define WT_SAME(name, other)
#include "os/symbols.def"
#undef WT_SYMBOL
#undef WT_LIBC
#undef WT_URING

struct wt_real wt_real = {
#define WT_SYMBOL(ret, name, params) .name = raw_##name,
#define WT_LIBC(ret, name, params, args) WT_SYMBOL(ret, name, params)
#define WT_URING(ret, name, params) .name = wt_own_##name,
#include "os/symbols.def"
#undef WT_SYMBOL
#undef WT_URING
};

struct code {
	uintptr_t start, end;
};

static struct code behind[8];
static unsigned int behind_len;

static bool is_in(const struct code *code, uintptr_t address)
{
	return address >= code->start && address < code->end;
}

/*
 * Called for each loaded object. If code->start lies in the object, stores the range of its memory
 * in `code` and ends the iteration.
 */
static int find_code(struct dl_phdr_info *info, size_t size, void *arg)
{
	struct code *code = arg, all = { UINTPTR_MAX, 0 };

	(void)size;
	for (int i = 0; i < info->dlpi_phnum; i++) {
		const ElfW(Phdr) *header = &info->dlpi_phdr[i];
		uintptr_t start = info->dlpi_addr + header->p_vaddr;

		if (header->p_type != PT_LOAD)
			continue;
		all.start = start < all.start ? start : all.start;
		all.end = start + header->p_memsz > all.end ? start + header->p_memsz : all.end;
	}
	if (!is_in(&all, code->start))
		return 0;
	*code = all;
	return 1;
}

/* Remembers the memory of the library, preloaded behind libwt, that contains `address`. */
static void note_behind(uintptr_t address)
{
	for (unsigned int i = 0; i < behind_len; i++)
		if (is_in(&behind[i], address))
			return;
	behind[behind_len].start = address;
	if (behind_len < WT_LENGTH(behind) - 1 && dl_iterate_phdr(find_code, &behind[behind_len]))
		behind_len++;
}

bool wt_real_is_behind(const void *address)
{
	for (unsigned int i = 0; unlikely(i < behind_len); i++)
		if (is_in(&behind[i], (uintptr_t)address))
			return true;
	return false;
}

/*
 * A function that libwt calls. The first definition counts: in a library that was preloaded behind
 * libwt, or else in libc.
 */
struct wanted {
	const char *name;
	void *slot;
	bool is_libcs_only;
	bool is_found;
};

/*
 * Stores the address by memcpy, as ISO C has no cast from a pointer to an object to one to a
 * function.
 */
static void resolve(struct wanted *wanted, const struct wt_scope_walk *walk)
{
	bool is_stacked = walk->kind == WT_SCOPE_STACKED && !wanted->is_libcs_only;

	if (wanted->is_found || !(is_stacked || wt_scope_owns(walk->elf.name, wanted->name)))
		return;
	struct wt_elf_name name = wt_elf_name(wanted->name);
	const ElfW(Sym) *symbol = wt_elf_find(&walk->elf, &name);
	if (!symbol)
		return;
	void *next = wt_elf_address(&walk->elf, symbol);

	memcpy(wanted->slot, &next, sizeof(next));
	wanted->is_found = true;
	if (unlikely(is_stacked))
		note_behind((uintptr_t)next);
}

static void resolve_all(struct wanted *wanted, size_t len)
{
	struct wt_scope_walk walk = wt_scope_begin(false);

	while (wt_scope_next(&walk))
		for (size_t i = 0; i < len; i++)
			resolve(&wanted[i], &walk);
}

static bool has_liburing;

bool wt_real_has_liburing(void)
{
	return has_liburing;
}

void wt_real_resolve_loader(void)
{
	static bool resolved;
	struct wanted wanted[] = {
		{ .name = "dlopen", .slot = &wt_real.dlopen },
		{ .name = "dlmopen", .slot = &wt_real.dlmopen },
		{ .name = "dlsym", .slot = &wt_real.dlsym },
		{ .name = "dlvsym", .slot = &wt_real.dlvsym },
		{ .name = "dl_iterate_phdr", .slot = &wt_scope_iterate, .is_libcs_only = true },
	};

	if (likely(resolved))
		return;
	resolve_all(wanted, WT_LENGTH(wanted));
	resolved = true;
}

static void look_for_liburing(void)
{
	struct wt_scope_walk walk = wt_scope_begin(false);

	while (wt_scope_next(&walk))
		has_liburing = has_liburing || wt_scope_owns(walk.elf.name, "io_uring_enter");
}

/* No header declares it. */
int __cxa_atexit(void (*act)(void *), void *arg, void *library);

int (*wt_real_at_exit)(void (*)(void *), void *, void *) = __cxa_atexit;

void wt_real_resolve(void)
{
	look_for_liburing();
	/* In a program without liburing, these entries keep leading to libwt's own copy. */
	struct wanted wanted[] = {
		{ .name = "__cxa_atexit", .slot = &wt_real_at_exit, .is_libcs_only = true },
#define WT_SYMBOL(ret, name_, params) { .name = #name_, .slot = &wt_real.name_ },
#define WT_URING(ret, name_, params)                                                               \
	{ .name = #name_, .slot = &wt_real.name_, .is_found = !has_liburing },
#include "os/symbols.def"
#undef WT_SYMBOL
#undef WT_URING
	};

	resolve_all(wanted, WT_LENGTH(wanted));
}
