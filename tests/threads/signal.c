/* SPDX-License-Identifier: MIT */
/* Handlers that write, on a small stack, while the thread that they interrupt writes. */
#define _GNU_SOURCE
#include <signal.h>
#include <sys/mman.h>
#include <sys/time.h>

#include "../lib/probe.h"
#include "threads.h"

#define STACK 8192 /* SIGSTKSZ, as long as that was a constant */
#define RECORD 64

static int log_fd;
static volatile sig_atomic_t handled;
static char record[RECORD];

static void handle(int signal)
{
	int errno_before = errno;

	(void)signal;
	handled++;
	must(write(log_fd, record, RECORD) == RECORD, "write in a handler");
	must(pwrite(file_fd, block, PROBE_BLOCK, handled % BLOCKS * PROBE_BLOCK) ==
		     (ssize_t)PROBE_BLOCK,
	     "pwrite in a handler");
	if (handled % 16 == 0)
		must(!fdatasync(log_fd), "fdatasync in a handler");
	errno = errno_before;
}

/* Below it is a page that nothing may touch. */
static void take_small_stack(void)
{
	char *memory = mmap(NULL, STACK + PROBE_BLOCK, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	stack_t stack = { .ss_sp = memory + PROBE_BLOCK, .ss_size = STACK };

	must(memory != MAP_FAILED && !mprotect(memory, PROBE_BLOCK, PROT_NONE), "mprotect");
	must(!sigaltstack(&stack, NULL), "sigaltstack");
}

void interrupt_writes(const char *log_path, int writes)
{
	struct sigaction action = { .sa_handler = handle, .sa_flags = SA_ONSTACK | SA_RESTART };
	struct itimerval never = { 0 };
	struct stat st;

	log_fd = open(log_path, O_WRONLY | O_CREAT | O_APPEND, 0600);
	must(log_fd >= 0, log_path);
	memset(record, 'r', RECORD);
	take_small_stack();
	sigaction(SIGALRM, &action, NULL);
	for (int i = 0; i < writes; i++) {
		/* In the middle of one of these, or between them. */
		struct itimerval soon = { .it_value.tv_usec = 1 + i * 37 % 400 };

		setitimer(ITIMER_REAL, &soon, NULL);
		write_once((void *)(intptr_t)i);
		must(write(log_fd, record, RECORD) == RECORD, "write");
		if (i % 16 == 0)
			must(!fdatasync(file_fd), "fdatasync");
	}
	setitimer(ITIMER_REAL, &never, NULL);
	must(!fstat(log_fd, &st), "fstat");
	printf("handled=%d\nrecords_wrong=%jd\n", (int)handled,
	       (intmax_t)(st.st_size - (writes + handled) * RECORD));
}
