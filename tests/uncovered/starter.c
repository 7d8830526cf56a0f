/* SPDX-License-Identifier: MIT */
/*
 * starter - executes a program by each of the ways that libc has.
 *
 *   starter WAY PROGRAM [ARGUMENT...]
 *
 * In a child, waited for; the status is the program's, or 100 with errno on stdout where it was not
 * executed. `replace` is this process itself.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define NOT_EXECUTED 100

static int copied_to_memory(const char *program)
{
	int from = open(program, O_RDONLY | O_CLOEXEC), to = memfd_create("copy", MFD_CLOEXEC);

	while (sendfile(to, from, NULL, 1 << 20) > 0)
		;
	close(from);
	return to;
}

/* LD_PRELOAD twice: as it is, and with nothing in it. */
static void execute_with_two_preloads(bool is_first, char **argv)
{
	char *envp[64] = { 0 }, *own = "", nothing[] = "LD_PRELOAD=";
	size_t len = 1;

	for (char **at = environ; *at && len < 62; at++) {
		if (!strncmp(*at, nothing, strlen(nothing)))
			own = *at;
		else
			envp[len++] = *at;
	}
	envp[0] = is_first ? own : nothing;
	envp[len] = is_first ? nothing : own;
	execve(argv[0], argv, envp);
}

/* An address at which there is nothing. */
static char **volatile nowhere = (char **)sizeof(char *);

static void execute(const char *way, char **argv)
{
	if (!strcmp(way, "execve") || !strcmp(way, "vfork") || !strcmp(way, "replace"))
		execve(argv[0], argv, environ);
	else if (!strcmp(way, "execv"))
		execv(argv[0], argv);
	else if (!strcmp(way, "execvp"))
		execvp(argv[0], argv);
	else if (!strcmp(way, "execvpe"))
		execvpe(argv[0], argv, environ);
	else if (!strcmp(way, "execl"))
		execl(argv[0], argv[0], argv[1], NULL);
	else if (!strcmp(way, "execlp"))
		execlp(argv[0], argv[0], argv[1], NULL);
	else if (!strcmp(way, "execle"))
		execle(argv[0], argv[0], argv[1], NULL, environ);
	else if (!strcmp(way, "fexecve"))
		fexecve(open(argv[0], O_RDONLY | O_CLOEXEC), argv, environ);
	else if (!strcmp(way, "path_descriptor"))
		fexecve(open(argv[0], O_PATH | O_CLOEXEC), argv, environ);
	else if (!strcmp(way, "memfd"))
		fexecve(copied_to_memory(argv[0]), argv, environ);
	else if (!strcmp(way, "execveat"))
		execveat(open(dirname(strdup(argv[0])), O_PATH | O_CLOEXEC),
			 basename(strdup(argv[0])), argv, environ, 0);
	else if (!strcmp(way, "syscall"))
		syscall(SYS_execve, argv[0], argv, environ);
	else if (!strcmp(way, "preload_first") || !strcmp(way, "preload_last"))
		execute_with_two_preloads(!strcmp(way, "preload_first"), argv);
	else if (!strcmp(way, "no_environment"))
		execve(argv[0], argv, nowhere);
	else
		errno = EINVAL;
}

static int end_of(pid_t child)
{
	int status;

	return child > 0 && waitpid(child, &status, 0) == child && WIFEXITED(status)
		       ? WEXITSTATUS(status)
		       : 1;
}

static int not_executed(int err)
{
	dprintf(STDOUT_FILENO, "%s\n", strerrorname_np(err));
	return NOT_EXECUTED;
}

static int by_shell(const char *way, char **argv)
{
	char *command;

	if (asprintf(&command, "%s %s; exit $?", argv[0], argv[1]) < 0)
		return 1;
	int status = !strcmp(way, "system") ? system(command) : pclose(popen(command, "r"));
	return WEXITSTATUS(status);
}

static int by_spawn(const char *way, char **argv)
{
	pid_t child;
	int err = !strcmp(way, "posix_spawnp")
			  ? posix_spawnp(&child, argv[0], NULL, NULL, argv, environ)
			  : posix_spawn(&child, argv[0], NULL, NULL, argv, environ);

	return err ? not_executed(err) : end_of(child);
}

int main(int argc, char **argv)
{
	const char *way = argc > 2 ? argv[1] : "";
	pid_t child = 0;

	argv += 2;
	if (!strcmp(way, "system") || !strcmp(way, "popen"))
		return by_shell(way, argv);
	if (!strncmp(way, "posix_spawn", sizeof("posix_spawn") - 1))
		return by_spawn(way, argv);
	if (strcmp(way, "replace"))
		child = !strcmp(way, "vfork") ? vfork() : fork();
	if (child)
		return end_of(child);
	execute(way, argv);
	_exit(not_executed(errno));
}
