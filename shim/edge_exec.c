/* SPDX-License-Identifier: MIT */
/*
 * Where descriptors get into other programs: by exec, and over a socket. Passed on as they are;
 * libwt only notes which open file descriptions it no longer sees all of.
 */
#define _GNU_SOURCE
#include <limits.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "config.h"
#include "core.h"
#include "edge.h"
#include "real.h"
#include "sys.h"

static void executing(void)
{
	int errno_before = errno;

	if (wt_config.active)
		wt_core_executing();
	errno = errno_before;
}

/* Actions may give the child what is closed at exec otherwise. */
static void spawning(const posix_spawn_file_actions_t *actions)
{
	int errno_before = errno;

	executing();
	if (wt_config.active && actions)
		wt_core_sharing_all();
	errno = errno_before;
}

WT_EXPORT int execve(const char *path, char *const argv[], char *const envp[])
{
	executing();
	return wt_real.execve(path, argv, envp);
}

WT_EXPORT int execveat(int dirfd, const char *path, char *const argv[], char *const envp[],
		       int flags)
{
	executing();
	return wt_real.execveat(dirfd, path, argv, envp, flags);
}

WT_EXPORT int fexecve(int fd, char *const argv[], char *const envp[])
{
	executing();
	return wt_real.fexecve(fd, argv, envp);
}

WT_EXPORT int execv(const char *path, char *const argv[])
{
	executing();
	return wt_real.execv(path, argv);
}

WT_EXPORT int execvp(const char *file, char *const argv[])
{
	executing();
	return wt_real.execvp(file, argv);
}

WT_EXPORT int execvpe(const char *file, char *const argv[], char *const envp[])
{
	executing();
	return wt_real.execvpe(file, argv, envp);
}

/* A variadic form, with its environment behind the arguments or without one; args are used up. */
static int execute_list(int (*execute)(const char *, char *const[], char *const[]),
			const char *program, const char *first, bool has_environment, va_list args)
{
	size_t count = 1;
	va_list counted;

	va_copy(counted, args);
	while (va_arg(counted, char *))
		count++;
	va_end(counted);
	char *argv[count + 1];
	argv[0] = (char *)first;
	for (size_t i = 1; i <= count; i++)
		argv[i] = va_arg(args, char *);
	return execute(program, argv, has_environment ? va_arg(args, char *const *) : environ);
}

#define EXECUTE_LIST(execute, program, first, has_environment)                                     \
	do {                                                                                       \
		va_list args;                                                                      \
		va_start(args, first);                                                             \
		int ret = execute_list(execute, program, first, has_environment, args);            \
		va_end(args);                                                                      \
		return ret;                                                                        \
	} while (0)

WT_EXPORT int execl(const char *path, const char *arg, ...)
{
	EXECUTE_LIST(execve, path, arg, false);
}

WT_EXPORT int execlp(const char *file, const char *arg, ...)
{
	EXECUTE_LIST(execvpe, file, arg, false);
}

WT_EXPORT int execle(const char *path, const char *arg, ...)
{
	EXECUTE_LIST(execve, path, arg, true);
}

WT_EXPORT int posix_spawn(pid_t *pid, const char *path, const posix_spawn_file_actions_t *actions,
			  const posix_spawnattr_t *attr, char *const argv[], char *const envp[])
{
	spawning(actions);
	return wt_real.posix_spawn(pid, path, actions, attr, argv, envp);
}

WT_EXPORT int posix_spawnp(pid_t *pid, const char *file, const posix_spawn_file_actions_t *actions,
			   const posix_spawnattr_t *attr, char *const argv[], char *const envp[])
{
	spawning(actions);
	return wt_real.posix_spawnp(pid, file, actions, attr, argv, envp);
}

WT_EXPORT int system(const char *command)
{
	executing();
	return wt_real.system(command);
}

WT_EXPORT FILE *popen(const char *command, const char *mode)
{
	executing();
	return wt_real.popen(command, mode);
}

/* As the kernel reads it: what is not there is its to answer for. */
static bool read_caller(void *to, const void *from, size_t len)
{
	struct iovec into = { to, len };
	struct iovec source = { (void *)from, len };

	return wt_sys.read_memory(&into, &source, 1) == (ssize_t)len;
}

#define RIGHTS_MAX 253 /* SCM_MAX_FD, include/net/scm.h: the kernel refuses more */

static void sending_rights(const char *fds, size_t len)
{
	int fd;

	for (size_t i = 0; i < RIGHTS_MAX && (i + 1) * sizeof(fd) <= len; i++)
		if (read_caller(&fd, fds + i * sizeof(fd), sizeof(fd)))
			wt_core_sharing(fd);
}

/* Nothing to be looked for in a process without a file under a rule. */
static void sending(const struct msghdr *given)
{
	if (wt_fdtable_next_ruled(0) < 0)
		return;
	int errno_before = errno;
	struct msghdr message;
	struct cmsghdr at;

	if (!read_caller(&message, given, sizeof(message)) || message.msg_controllen > INT_MAX)
		message.msg_controllen = 0;
	const char *control = message.msg_control;
	for (size_t left = message.msg_controllen;
	     left >= sizeof(at) && read_caller(&at, control, sizeof(at)) &&
	     at.cmsg_len >= CMSG_LEN(0) && at.cmsg_len <= left;) {
		size_t step = CMSG_ALIGN(at.cmsg_len);

		if (at.cmsg_level == SOL_SOCKET && at.cmsg_type == SCM_RIGHTS)
			sending_rights(control + CMSG_LEN(0), at.cmsg_len - CMSG_LEN(0));
		control += step;
		left -= step < left ? step : left;
	}
	errno = errno_before;
}

WT_EXPORT ssize_t sendmsg(int socket, const struct msghdr *message, int flags)
{
	if (unlikely(wt_config.active))
		sending(message);
	return wt_real.sendmsg(socket, message, flags);
}

WT_EXPORT int sendmmsg(int socket, struct mmsghdr *messages, unsigned int count, int flags)
{
	for (unsigned int i = 0; unlikely(wt_config.active) && i < count && i < IOV_MAX; i++)
		sending(&messages[i].msg_hdr);
	return wt_real.sendmmsg(socket, messages, count, flags);
}
