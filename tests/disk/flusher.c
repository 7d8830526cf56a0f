/* SPDX-License-Identifier: MIT */
/*
 * flusher COMMAND [ARG...] - runs COMMAND as one that serves a block device: when it is short of
 * memory, it must not wait for dirty pages that only it can write.
 */
#include <stdio.h>
#include <sys/prctl.h>
#include <unistd.h>

#ifndef PR_SET_IO_FLUSHER
#define PR_SET_IO_FLUSHER 57
#endif

int main(int argc, char **argv)
{
	if (argc < 2) {
		fprintf(stderr, "usage: flusher COMMAND [ARG...]\n");
		return 2;
	}
	if (prctl(PR_SET_IO_FLUSHER, 1, 0, 0, 0))
		perror("flusher: PR_SET_IO_FLUSHER");
	execvp(argv[1], argv + 1);
	perror(argv[1]);
	return 127;
}
