/* SPDX-License-Identifier: MIT */
/*
 * Where other programs get descriptors: by execution, and through a socket. The calls are passed
 * on. libwt notes which open file descriptions become externally shared, adds its variables to an
 * environment that lacks them (state/environment.h), and reports programs in which it will cover
 * nothing (state/uncovered_child.h).
 */
#define _GNU_SOURCE
#include <limits.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/lifecycle.h"
#include "core/sharing.h"
#include "edge/edge.h"
#include "os/process.h"
#include "os/real.h"
#include "os/sys.h"
#include "report/log.h"
#include "report/stats.h"
#include "state/config.h"
#include "state/environment.h"
#include "state/uncovered_child.h"
#include "state/vfork_child.h"

static void executing(void)
{
	int errno_before = errno;

	if (wt_config.active)
		wt_core_executing();
	errno = errno_before;
}

/* File actions may give the child descriptors that are otherwise closed at exec. */
static void spawning(const posix_spawn_file_actions_t *actions)
{
	int errno_before = errno;

	executing();
	if (wt_config.active && actions)
		wt_core_sharing_all();
	errno = errno_before;
}

/* One request to execute a program, by any of the calls that take an environment. */
struct execution {
	int (*run)(const struct execution *execution, char *const envp[]);
	struct wt_program_at at;
	bool searches;
	char *const *argv;
	bool replaces; /* this process becomes the program */
	pid_t *pid;
	const posix_spawn_file_actions_t *actions;
	const posix_spawnattr_t *attr;
};

/* execve failed, so the process goes on. */
static int returned(int ret)
{
	wt_vfork_child_return();
	return ret;
}

static int run_execve(const struct execution *e, char *const envp[])
{
	wt_vfork_child_leave();
	return returned(wt_real.execve(e->at.path, e->argv, envp));
}

static int run_execv(const struct execution *e, char *const envp[])
{
	if (envp != environ)
		return run_execve(e, envp);
	wt_vfork_child_leave();
	return returned(wt_real.execv(e->at.path, e->argv));
}

static int run_execveat(const struct execution *e, char *const envp[])
{
	wt_vfork_child_leave();
	return returned(wt_real.execveat(e->at.dirfd, e->at.path, e->argv, envp, e->at.flags));
}

static int run_fexecve(const struct execution *e, char *const envp[])
{
	wt_vfork_child_leave();
	return returned(wt_real.fexecve(e->at.dirfd, e->argv, envp));
}

static int run_execvpe(const struct execution *e, char *const envp[])
{
	wt_vfork_child_leave();
	return returned(wt_real.execvpe(e->at.path, e->argv, envp));
}

static int run_execvp(const struct execution *e, char *const envp[])
{
	if (envp != environ)
		return run_execvpe(e, envp);
	wt_vfork_child_leave();
	return returned(wt_real.execvp(e->at.path, e->argv));
}

static int run_posix_spawn(const struct execution *e, char *const envp[])
{
	return wt_real.posix_spawn(e->pid, e->at.path, e->actions, e->attr, e->argv, envp);
}

static int run_posix_spawnp(const struct execution *e, char *const envp[])
{
	return wt_real.posix_spawnp(e->pid, e->at.path, e->actions, e->attr, e->argv, envp);
}

/* Executes with libwt's variables, or without them if they make the environment too long. */
static int run_with(const struct execution *e, const struct wt_environment *with, void *room)
{
	int ret = e->run(e, wt_environment_make(with, room));

	if (ret != E2BIG && (ret != -1 || errno != E2BIG))
		return ret;
	wt_log(WT_LOG_WARN,
	       "an environment of %zu variables would be too long with libwt's, and "
	       "is passed on without them",
	       with->given_len);
	return e->run(e, with->given);
}

/* This process goes on after all: a report that it wrote before executing was not its last. */
static void unclaim_report(unsigned int found)
{
	if (found & WT_UNCOVERED_CHILD_REPORT)
		wt_stats_unclaim_report();
}

/*
 * Reports the program before it runs, if libwt will cover nothing in it. Returns the flags of
 * wt_uncovered_child_executing.
 */
static unsigned int look_at(const struct execution *e, enum wt_lack lacks)
{
	const struct wt_uncovered_child child = {
		.at = e->at,
		.searches = e->searches,
		.replaces = e->replaces,
		.argv = e->argv,
		.lacks = lacks,
	};

	if (!wt_config.active)
		return 0;
	int errno_before = errno;
	unsigned int found = wt_uncovered_child_executing(&child);
	if (found & WT_UNCOVERED_CHILD_REPORT)
		wt_core_report();
	errno = errno_before;
	return found;
}

/*
 * The largest environment that is built on the stack, of which a thread may have as little as 16
 * KiB. A vfork child avoids mappings, because they would stay in its parent.
 */
static size_t on_stack_max_bytes(void)
{
	return wt_process_is_vfork_child() ? 64 << 10 : 4 << 10;
}

static int run_in_room(const struct execution *e, char *const envp[],
		       const struct wt_environment *with, size_t bytes)
{
	if (!bytes)
		return e->run(e, envp);
	if (bytes <= on_stack_max_bytes()) {
		char *room[bytes / sizeof(char *) + 1];

		return run_with(e, with, room);
	}
	void *room = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (room == MAP_FAILED)
		return e->run(e, envp);
	int ret = run_with(e, with, room);
	int errno_after = errno;
	munmap(room, bytes);
	errno = errno_after;
	return ret;
}

static int execute(const struct execution *e, char *const envp[])
{
	struct wt_environment with;
	bool may = wt_config.active || wt_config.report;

	if (!may)
		return e->run(e, envp);
	size_t bytes = wt_environment_bytes(&with, envp);
	if (with.is_not_there)
		return e->run(e, envp);
	unsigned int found = look_at(e, with.lacks);
	if (found & WT_UNCOVERED_CHILD_LEAVE_OUT)
		bytes = bytes ? 0 : wt_environment_bytes_without(&with, envp);
	int ret = run_in_room(e, envp, &with, bytes);
	unclaim_report(found);
	return ret;
}

WT_EXPORT int execve(const char *path, char *const argv[], char *const envp[])
{
	executing();
	return execute(&(struct execution){ .run = run_execve,
					    .at = { AT_FDCWD, path, 0 },
					    .replaces = true,
					    .argv = argv },
		       envp);
}

WT_EXPORT int execveat(int dirfd, const char *path, char *const argv[], char *const envp[],
		       int flags)
{
	executing();
	return execute(&(struct execution){ .run = run_execveat,
					    .at = { dirfd, path, flags },
					    .replaces = true,
					    .argv = argv },
		       envp);
}

WT_EXPORT int fexecve(int fd, char *const argv[], char *const envp[])
{
	executing();
	return execute(&(struct execution){ .run = run_fexecve,
					    .at = { fd, "", AT_EMPTY_PATH },
					    .replaces = true,
					    .argv = argv },
		       envp);
}

WT_EXPORT int execv(const char *path, char *const argv[])
{
	executing();
	return execute(&(struct execution){ .run = run_execv,
					    .at = { AT_FDCWD, path, 0 },
					    .replaces = true,
					    .argv = argv },
		       environ);
}

WT_EXPORT int execvp(const char *file, char *const argv[])
{
	executing();
	return execute(&(struct execution){ .run = run_execvp,
					    .at = { AT_FDCWD, file, 0 },
					    .searches = true,
					    .replaces = true,
					    .argv = argv },
		       environ);
}

WT_EXPORT int execvpe(const char *file, char *const argv[], char *const envp[])
{
	executing();
	return execute(&(struct execution){ .run = run_execvpe,
					    .at = { AT_FDCWD, file, 0 },
					    .searches = true,
					    .replaces = true,
					    .argv = argv },
		       envp);
}

/*
 * Executes a variadic form, whose environment, if it has one, stands behind the arguments. Uses
 * `args` up.
 */
static int execute_list(int (*run)(const char *, char *const[], char *const[]), const char *program,
			const char *first, bool has_environment, va_list args)
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
	return run(program, argv, has_environment ? va_arg(args, char *const *) : environ);
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
	return execute(&(struct execution){ .run = run_posix_spawn,
					    .at = { AT_FDCWD, path, 0 },
					    .argv = argv,
					    .pid = pid,
					    .actions = actions,
					    .attr = attr },
		       envp);
}

WT_EXPORT int posix_spawnp(pid_t *pid, const char *file, const posix_spawn_file_actions_t *actions,
			   const posix_spawnattr_t *attr, char *const argv[], char *const envp[])
{
	spawning(actions);
	return execute(&(struct execution){ .run = run_posix_spawnp,
					    .at = { AT_FDCWD, file, 0 },
					    .searches = true,
					    .argv = argv,
					    .pid = pid,
					    .actions = actions,
					    .attr = attr },
		       envp);
}

/* libc starts a shell with this process's own environment. */
static void executing_shell(void)
{
	const struct execution shell = { .at = { AT_FDCWD, "/bin/sh", 0 } };
	struct wt_environment with;

	executing();
	if (!wt_config.active)
		return;
	wt_environment_bytes(&with, environ);
	look_at(&shell, with.lacks);
}

WT_EXPORT int system(const char *command)
{
	executing_shell();
	return wt_real.system(command);
}

WT_EXPORT FILE *popen(const char *command, const char *mode)
{
	executing_shell();
	return wt_real.popen(command, mode);
}

#define RIGHTS_MAX 253 /* SCM_MAX_FD, include/net/scm.h: the kernel refuses more */

static void sending_rights(const char *fds, size_t len)
{
	int fd;

	for (size_t i = 0; i < RIGHTS_MAX && (i + 1) * sizeof(fd) <= len; i++)
		if (wt_sys_read_program(&fd, fds + i * sizeof(fd), sizeof(fd)))
			wt_core_sharing(fd);
}

/*
 * Descriptors in the message (SCM_RIGHTS) become externally shared. A process without a file under
 * a rule has none to look for.
 */
static void sending(const struct msghdr *given)
{
	if (wt_fdtable_next_ruled(0) < 0)
		return;
	int errno_before = errno;
	struct msghdr message;
	struct cmsghdr at;

	if (!wt_sys_read_program(&message, given, sizeof(message)) ||
	    message.msg_controllen > INT_MAX)
		message.msg_controllen = 0;
	const char *control = message.msg_control;
	for (size_t left = message.msg_controllen;
	     left >= sizeof(at) && wt_sys_read_program(&at, control, sizeof(at)) &&
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
