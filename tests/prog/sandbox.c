/* SPDX-License-Identifier: MIT */
/*
 * sandbox ANSWER COMMAND [ARG...] - runs a command under a seccomp(2) filter that answers the calls
 * of io_uring: by EPERM, as Docker does, or ENOSYS, by the end of the process, of the thread, or of
 * whoever has no handler for SIGSYS (kill, kill-thread, trap), or not at all (allow).
 * sandbox ask - prints what io_uring_setup answers.
 * sandbox handle FILE - writes FILE where a handler for SIGSYS answers ENOSYS to those calls and to
 * others that a program seldom makes. Prints how often it did.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/io_uring.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>

#define BLOCK 4096
#define WRITES 8
#define CALLS_MAX 8

static const int rings[] = { SYS_io_uring_setup, SYS_io_uring_enter, SYS_io_uring_register, -1 };
static const int rare[] = { SYS_io_uring_setup,	 SYS_io_uring_enter, SYS_io_uring_register,
			    SYS_sync_file_range, SYS_pwritev2,	     -1 };

static const struct answer {
	const char *name;
	uint32_t action;
} answers[] = {
	{ "EPERM", SECCOMP_RET_ERRNO | EPERM }, { "ENOSYS", SECCOMP_RET_ERRNO | ENOSYS },
	{ "kill", SECCOMP_RET_KILL_PROCESS },	{ "kill-thread", SECCOMP_RET_KILL_THREAD },
	{ "trap", SECCOMP_RET_TRAP },		{ "allow", SECCOMP_RET_ALLOW },
};

static volatile sig_atomic_t handled;

/* Each call is compared in turn, and a match jumps over the rest and the ALLOW. */
static int forbid(const int *calls, uint32_t action)
{
	struct sock_filter filter[CALLS_MAX + 3];
	unsigned short len = 0, count = 0;
	struct sock_fprog program = { .filter = filter };

	while (calls[count] >= 0)
		count++;
	filter[len++] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
						     offsetof(struct seccomp_data, nr));
	for (unsigned short i = 0; i < count; i++)
		filter[len++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, calls[i],
							     count - i, 0);
	filter[len++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
	filter[len++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, action);
	program.len = len;
	return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) ||
	       prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program);
}

static int ask(void)
{
	struct io_uring_params params = { 0 };
	long fd = syscall(SYS_io_uring_setup, 1, &params);

	puts(fd < 0 ? strerrorname_np(errno) : "works");
	return 0;
}

static void answer(int signal, siginfo_t *info, void *context)
{
	mcontext_t *machine = &((ucontext_t *)context)->uc_mcontext;

	(void)signal;
	(void)info;
	handled++;
#if defined(__x86_64__)
	machine->gregs[REG_RAX] = -ENOSYS;
#elif defined(__aarch64__)
	machine->regs[0] = -ENOSYS;
#else
#error "which register holds the answer of a system call?"
#endif
}

static int handle(const char *path)
{
	static char block[BLOCK];
	struct sigaction action = { .sa_sigaction = answer, .sa_flags = SA_SIGINFO };
	int fd = open(path, O_RDWR | O_CREAT, 0600);

	if (fd < 0 || sigaction(SIGSYS, &action, NULL) || forbid(rare, SECCOMP_RET_TRAP)) {
		perror(path);
		return 2;
	}
	for (int i = 0; i < WRITES; i++) {
		if (pwrite(fd, block, BLOCK, i * BLOCK) != BLOCK) {
			perror("pwrite");
			return 1;
		}
	}
	printf("handled=%d\n", (int)handled);
	return 0;
}

int main(int argc, char **argv)
{
	const struct answer *answer = answers, *end = answers + sizeof(answers) / sizeof(*answers);

	if (argc == 2 && !strcmp(argv[1], "ask"))
		return ask();
	if (argc == 3 && !strcmp(argv[1], "handle"))
		return handle(argv[2]);
	while (argc > 2 && answer < end && strcmp(argv[1], answer->name))
		answer++;
	if (argc < 3 || answer == end) {
		fprintf(stderr, "usage: sandbox ANSWER COMMAND [ARG...] | ask | handle FILE\n");
		return 2;
	}
	if (forbid(rings, answer->action)) {
		perror("sandbox: seccomp");
		return 2;
	}
	execvp(argv[2], argv + 2);
	perror(argv[2]);
	return 127;
}
