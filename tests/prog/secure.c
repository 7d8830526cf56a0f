/* SPDX-License-Identifier: MIT */
/*
 * secure - says whether the kernel started it with privileges of its own (AT_SECURE), writes a
 * block to a file, and executes a program with an environment of its own making.
 *
 *   secure [FILE [PROGRAM]]
 */
#include <fcntl.h>
#include <stdio.h>
#include <sys/auxv.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	static const char block[4096] = { 1 };

	puts(getauxval(AT_SECURE) ? "secure" : "plain");
	if (argc < 2)
		return 0;
	int fd = open(argv[1], O_WRONLY | O_CREAT | O_TRUNC, 0644);
	if (write(fd, block, sizeof(block)) != sizeof(block))
		return 1;
	if (argc > 2)
		execve(argv[2], argv + 2, (char *[]){ "CLEAN=1", NULL });
	return argc > 2;
}
