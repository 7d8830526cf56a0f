/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#include "child.h"

#include <criterion/criterion.h>
#include <dirent.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#define STACK_BYTES (256u << 10)

static int status_of(pid_t child)
{
	int status;

	cr_assert_gt(child, 0, "%m");
	cr_assert_eq(waitpid(child, &status, __WALL), child, "%m");
	return status;
}

int child_forked(int (*body)(void *arg), void *arg)
{
	pid_t child = fork();

	if (!child)
		_exit(body(arg));
	return status_of(child);
}

int child_cloned(int flags, int (*body)(void *arg), void *arg, void *storage)
{
	char *stack =
		mmap(NULL, STACK_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	cr_assert_neq(stack, MAP_FAILED);
	pid_t child = clone(body, stack + STACK_BYTES, flags | CLONE_VM | SIGCHLD, arg, NULL,
			    storage, NULL);
	int status = status_of(child);
	munmap(stack, STACK_BYTES);
	return status;
}

int child_count_descriptors(void)
{
	DIR *dir = opendir("/proc/self/fd");
	int count = -1; /* without the directory itself */

	cr_assert_not_null(dir);
	for (struct dirent *entry; (entry = readdir(dir));)
		count += entry->d_name[0] != '.';
	closedir(dir);
	return count;
}

bool child_refuse_call(int number, int err)
{
	unsigned int answer = err ? SECCOMP_RET_ERRNO | err : SECCOMP_RET_KILL_PROCESS;
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, number, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, answer),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog filter = { WT_LENGTH(code), code };

	return !prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) &&
	       !prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter);
}
