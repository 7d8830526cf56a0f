/* SPDX-License-Identifier: MIT */
/*
 * A server of a few lines, to be built for any C library and machine.
 *
 *   server FILE                     writes a page to it
 *   server as COMMAND...            becomes that command, as a wrapper does
 *   server emptied COMMAND...       the same with an empty environment
 */
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

extern char **environ;

int main(int argc, char **argv)
{
	static char page[4096], *nothing[] = { NULL };

	bool empties = argc > 2 && !strcmp(argv[1], "emptied");

	if (empties || (argc > 2 && !strcmp(argv[1], "as"))) {
		execve(argv[2], argv + 2, empties ? nothing : environ);
		perror(argv[2]);
		return 127;
	}
	int fd = open(argv[1], O_WRONLY | O_CREAT, 0666);
	if (fd < 0 || write(fd, page, sizeof(page)) != sizeof(page) || close(fd)) {
		perror(argv[1]);
		return 1;
	}
	return 0;
}
