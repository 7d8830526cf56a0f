/* SPDX-License-Identifier: MIT */
/*
 * sandbox WORD,WORD... COMMAND [ARG...] - runs a command where io_uring is refused, an older kernel
 * is imitated, or a container's limits hold: the words are those of ../lib/sandbox.h.
 * sandbox ask - prints what of that is to be had here: what io_uring_setup, the registration of its
 *     descriptor and cachestat answer, and whether there is a /proc and a right to mount.
 * sandbox handle FILE - writes FILE where a handler for SIGSYS answers ENOSYS to those calls and to
 * others that a program seldom makes. Prints how often it did.
 */
#define _GNU_SOURCE
#include <linux/io_uring.h>
#include <signal.h>
#include <ucontext.h>

#include "../lib/sandbox.h"

#define BLOCK 4096
#define WRITES 8

static volatile sig_atomic_t handled;

static bool trap_rare_calls(void)
{
	static const int calls[] = { SYS_io_uring_setup, SYS_io_uring_enter, SYS_io_uring_register,
				     SYS_sync_file_range, SYS_pwritev2 };
	scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);
	bool made = filter;

	for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++)
		made = made && !seccomp_rule_add(filter, SCMP_ACT_TRAP, calls[i], 0);
	return sandbox_load(filter, made);
}

static const char *answer_name(long ret)
{
	return ret < 0 ? strerrorname_np(errno) : "works";
}

static int ask(void)
{
	struct io_uring_params params = { 0 };
	struct io_uring_rsrc_update own = { .offset = -1U };
	struct probe_cache pages;
	uint64_t range[2] = { 0 };

	long ring = syscall(SYS_io_uring_setup, 1, &params);
	printf("io_uring=%s\n", answer_name(ring));
	own.data = ring;
	printf("registered_ring=%s\n", answer_name(syscall(SYS_io_uring_register, ring,
							   IORING_REGISTER_RING_FDS, &own, 1)));
	printf("mount=%s\n", answer_name(unshare(CLONE_NEWNS)));
	int self = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	printf("proc=%s\n", answer_name(self));
	int here = open(".", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	printf("cachestat=%s\n",
	       answer_name(syscall(SYS_cachestat, here < 0 ? self : here, range, &pages, 0)));
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

	if (fd < 0 || sigaction(SIGSYS, &action, NULL) || !trap_rare_calls()) {
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
	if (argc == 2 && !strcmp(argv[1], "ask"))
		return ask();
	if (argc == 3 && !strcmp(argv[1], "handle"))
		return handle(argv[2]);
	if (argc < 3) {
		fprintf(stderr,
			"usage: sandbox WORD,WORD... COMMAND [ARG...] | ask | handle FILE\n");
		return 2;
	}
	if (!sandbox_enter(argv[1]))
		return 2;
	execvp(argv[2], argv + 2);
	perror(argv[2]);
	return 127;
}
