/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#include "real.h"

#include <dlfcn.h>
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base.h"

static ssize_t raw_write(int fd, const void *buf, size_t len)
{
	return syscall(SYS_write, fd, buf, len);
}

static ssize_t raw_pwrite(int fd, const void *buf, size_t len, off_t offset)
{
	return syscall(SYS_pwrite64, fd, buf, len, offset);
}

static ssize_t raw_writev(int fd, const struct iovec *iov, int iovcnt)
{
	return syscall(SYS_writev, fd, iov, iovcnt);
}

/* The offset of the vector calls comes in two halves, and 64-bit kernels ignore the high one. */
static ssize_t raw_pwritev(int fd, const struct iovec *iov, int iovcnt, off_t offset)
{
	return syscall(SYS_pwritev, fd, iov, (long)iovcnt, offset, 0L);
}

static ssize_t raw_pwritev2(int fd, const struct iovec *iov, int iovcnt, off_t offset, int flags)
{
	return syscall(SYS_pwritev2, fd, iov, (long)iovcnt, offset, 0L, flags);
}

static int raw_openat(int dirfd, const char *path, int flags, ...)
{
	va_list args;

	va_start(args, flags);
	mode_t mode = va_arg(args, mode_t);
	va_end(args);
	return syscall(SYS_openat, dirfd, path, flags, mode);
}

static int raw_open(const char *path, int flags, ...)
{
	va_list args;

	va_start(args, flags);
	mode_t mode = va_arg(args, mode_t);
	va_end(args);
	return syscall(SYS_openat, AT_FDCWD, path, flags, mode);
}

static int raw_creat(const char *path, mode_t mode)
{
	return raw_open(path, O_WRONLY | O_CREAT | O_TRUNC, mode);
}

static int raw_open_2(const char *path, int flags)
{
	return raw_open(path, flags, 0);
}

static int raw_openat_2(int dirfd, const char *path, int flags)
{
	return raw_openat(dirfd, path, flags, 0);
}

static int raw_dup(int fd)
{
	return syscall(SYS_dup, fd);
}

/* dup3 refuses equal numbers, where dup2 answers with them if they are open. */
static int raw_dup2(int fd, int newfd)
{
	if (fd == newfd)
		return syscall(SYS_fcntl, fd, F_GETFD) < 0 ? -1 : newfd;
	return syscall(SYS_dup3, fd, newfd, 0);
}

static int raw_dup3(int fd, int newfd, int flags)
{
	return syscall(SYS_dup3, fd, newfd, flags);
}

static int raw_fcntl(int fd, int cmd, ...)
{
	va_list args;

	va_start(args, cmd);
	void *arg = va_arg(args, void *);
	va_end(args);
	return syscall(SYS_fcntl, fd, cmd, arg);
}

static int raw_close(int fd)
{
	return syscall(SYS_close, fd);
}

static int raw_close_range(unsigned int first, unsigned int last, int flags)
{
	return syscall(SYS_close_range, first, last, flags);
}

static int raw_unshare(int flags)
{
	return syscall(SYS_unshare, flags);
}

static void raw_closefrom(int first)
{
	raw_close_range(first < 0 ? 0 : first, ~0U, 0);
}

static int raw_fsync(int fd)
{
	return syscall(SYS_fsync, fd);
}

static int raw_fdatasync(int fd)
{
	return syscall(SYS_fdatasync, fd);
}

static int raw_sync_file_range(int fd, off64_t offset, off64_t len, unsigned int flags)
{
	return syscall(SYS_sync_file_range, fd, offset, len, flags);
}

static void *raw_mmap(void *addr, size_t len, int prot, int flags, int fd, off_t offset)
{
	return (void *)syscall(SYS_mmap, addr, len, prot, flags, fd, offset);
}

static int raw_fallocate(int fd, int mode, off_t offset, off_t len)
{
	return syscall(SYS_fallocate, fd, mode, offset, len);
}

static ssize_t raw_copy_file_range(int in, off64_t *in_offset, int out, off64_t *out_offset,
				   size_t len, unsigned int flags)
{
	return syscall(SYS_copy_file_range, in, in_offset, out, out_offset, len, flags);
}

static ssize_t raw_sendfile(int out, int in, off_t *offset, size_t len)
{
	return syscall(SYS_sendfile, out, in, offset, len);
}

static ssize_t raw_splice(int in, off64_t *in_offset, int out, off64_t *out_offset, size_t len,
			  unsigned int flags)
{
	return syscall(SYS_splice, in, in_offset, out, out_offset, len, flags);
}

static int raw_execve(const char *path, char *const argv[], char *const envp[])
{
	return syscall(SYS_execve, path, argv, envp);
}

static int raw_execveat(int dirfd, const char *path, char *const argv[], char *const envp[],
			int flags)
{
	return syscall(SYS_execveat, dirfd, path, argv, envp, flags);
}

static ssize_t raw_sendmsg(int socket, const struct msghdr *message, int flags)
{
	return syscall(SYS_sendmsg, socket, message, flags);
}

static int raw_sendmmsg(int socket, struct mmsghdr *messages, unsigned int count, int flags)
{
	return syscall(SYS_sendmmsg, socket, messages, count, flags);
}

/* By the newest of each family, which every architecture has. */
static int raw_renameat2(int from_dir, const char *from, int to_dir, const char *to,
			 unsigned int flags)
{
	return syscall(SYS_renameat2, from_dir, from, to_dir, to, flags);
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
	return syscall(SYS_linkat, from_dir, from, to_dir, to, flags);
}

static int raw_link(const char *from, const char *to)
{
	return raw_linkat(AT_FDCWD, from, AT_FDCWD, to, 0);
}

static int raw_unlinkat(int dir, const char *path, int flags)
{
	return syscall(SYS_unlinkat, dir, path, flags);
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
	return syscall(SYS_truncate, path, len);
}

static int raw_ftruncate(int fd, off_t len)
{
	return syscall(SYS_ftruncate, fd, len);
}

static void raw_exit(int status)
{
	for (;;)
		syscall(SYS_exit_group, status);
}

/*
 * No system call does these alone. Called before the constructor they look
 * themselves up, which nothing that must not allocate ever needs.
 */
#define RAW_BY_NAME(ret, name, params, args)                                                       \
	static ret raw_##name params                                                               \
	{                                                                                          \
		wt_real_resolve();                                                                 \
		return wt_real.name args;                                                          \
	}
RAW_BY_NAME(int, mkstemp, (char *t), (t))
RAW_BY_NAME(int, mkostemp, (char *t, int flags), (t, flags))
RAW_BY_NAME(int, mkstemps, (char *t, int suffix_len), (t, suffix_len))
RAW_BY_NAME(int, mkostemps, (char *t, int suffix_len, int flags), (t, suffix_len, flags))
RAW_BY_NAME(FILE *, fopen, (const char *path, const char *mode), (path, mode))
RAW_BY_NAME(FILE *, freopen, (const char *path, const char *mode, FILE *f), (path, mode, f))
RAW_BY_NAME(int, fclose, (FILE * f), (f))
RAW_BY_NAME(int, pclose, (FILE * f), (f))
RAW_BY_NAME(FILE *, fdopen, (int fd, const char *mode), (fd, mode))
RAW_BY_NAME(int, posix_fallocate, (int fd, off_t offset, off_t len), (fd, offset, len))
RAW_BY_NAME(int, aio_write, (struct aiocb * request), (request))
RAW_BY_NAME(int, aio_write64, (struct aiocb64 * request), (request))
RAW_BY_NAME(int, aio_fsync, (int op, struct aiocb *request), (op, request))
RAW_BY_NAME(int, aio_fsync64, (int op, struct aiocb64 *request), (op, request))
RAW_BY_NAME(int, fexecve, (int fd, char *const v[], char *const e[]), (fd, v, e))
RAW_BY_NAME(int, execv, (const char *path, char *const v[]), (path, v))
RAW_BY_NAME(int, execvp, (const char *file, char *const v[]), (file, v))
RAW_BY_NAME(int, execvpe, (const char *file, char *const v[], char *const e[]), (file, v, e))
RAW_BY_NAME(int, posix_spawn,
	    (pid_t * pid, const char *path, const posix_spawn_file_actions_t *actions,
	     const posix_spawnattr_t *attr, char *const v[], char *const e[]),
	    (pid, path, actions, attr, v, e))
RAW_BY_NAME(int, posix_spawnp,
	    (pid_t * pid, const char *file, const posix_spawn_file_actions_t *actions,
	     const posix_spawnattr_t *attr, char *const v[], char *const e[]),
	    (pid, file, actions, attr, v, e))
RAW_BY_NAME(int, system, (const char *command), (command))
RAW_BY_NAME(FILE *, popen, (const char *command, const char *mode), (command, mode))
RAW_BY_NAME(int, daemon, (int nochdir, int noclose), (nochdir, noclose))

struct wt_real wt_real = {
	.write = raw_write,
	.pwrite = raw_pwrite,
	.pwrite64 = raw_pwrite,
	.writev = raw_writev,
	.pwritev = raw_pwritev,
	.pwritev64 = raw_pwritev,
	.pwritev2 = raw_pwritev2,
	.pwritev64v2 = raw_pwritev2,
	.open = raw_open,
	.open64 = raw_open,
	.openat = raw_openat,
	.openat64 = raw_openat,
	.creat = raw_creat,
	.creat64 = raw_creat,
	.__open_2 = raw_open_2,
	.__open64_2 = raw_open_2,
	.__openat_2 = raw_openat_2,
	.__openat64_2 = raw_openat_2,
	.mkstemp = raw_mkstemp,
	.mkstemp64 = raw_mkstemp,
	.mkostemp = raw_mkostemp,
	.mkostemp64 = raw_mkostemp,
	.mkstemps = raw_mkstemps,
	.mkstemps64 = raw_mkstemps,
	.mkostemps = raw_mkostemps,
	.mkostemps64 = raw_mkostemps,
	.dup = raw_dup,
	.dup2 = raw_dup2,
	.dup3 = raw_dup3,
	.fcntl = raw_fcntl,
	.fcntl64 = raw_fcntl,
	.close = raw_close,
	.close_range = raw_close_range,
	.closefrom = raw_closefrom,
	.unshare = raw_unshare,
	.fopen = raw_fopen,
	.fopen64 = raw_fopen,
	.freopen = raw_freopen,
	.freopen64 = raw_freopen,
	.fclose = raw_fclose,
	.pclose = raw_pclose,
	.fsync = raw_fsync,
	.fdatasync = raw_fdatasync,
	.sync_file_range = raw_sync_file_range,
	.mmap = raw_mmap,
	.mmap64 = raw_mmap,
	.fallocate = raw_fallocate,
	.fallocate64 = raw_fallocate,
	.posix_fallocate = raw_posix_fallocate,
	.posix_fallocate64 = raw_posix_fallocate,
	.copy_file_range = raw_copy_file_range,
	.sendfile = raw_sendfile,
	.sendfile64 = raw_sendfile,
	.splice = raw_splice,
	.aio_write = raw_aio_write,
	.aio_write64 = raw_aio_write64,
	.fdopen = raw_fdopen,
	.aio_fsync = raw_aio_fsync,
	.aio_fsync64 = raw_aio_fsync64,
	.execve = raw_execve,
	.execveat = raw_execveat,
	.fexecve = raw_fexecve,
	.execv = raw_execv,
	.execvp = raw_execvp,
	.execvpe = raw_execvpe,
	.posix_spawn = raw_posix_spawn,
	.posix_spawnp = raw_posix_spawnp,
	.system = raw_system,
	.popen = raw_popen,
	.sendmsg = raw_sendmsg,
	.sendmmsg = raw_sendmmsg,
	.rename = raw_rename,
	.renameat = raw_renameat,
	.renameat2 = raw_renameat2,
	.link = raw_link,
	.linkat = raw_linkat,
	.unlink = raw_unlink,
	.unlinkat = raw_unlinkat,
	.remove = raw_remove,
	.truncate = raw_truncate,
	.truncate64 = raw_truncate,
	.ftruncate = raw_ftruncate,
	.ftruncate64 = raw_ftruncate,
	._exit = raw_exit,
	._Exit = raw_exit,
	.daemon = raw_daemon,
};

/* Through memcpy: ISO C has no cast from an object's pointer to a function's. */
static void resolve(void *slot, const char *name)
{
	void *next = dlsym(RTLD_NEXT, name);

	if (next)
		memcpy(slot, &next, sizeof(next));
}

void wt_real_resolve(void)
{
#define WT_SYMBOL(ret, name, params) resolve(&wt_real.name, #name);
#include "symbols.def"
#undef WT_SYMBOL
}
