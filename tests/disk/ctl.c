/* SPDX-License-Identifier: MIT */
/*
 * ctl COMMAND [KEY=VALUE...] - tells the disk at $DISK_CTL, prints what it answers.
 * Exit status 0, 1 if the disk refused, 2 if it cannot be reached.
 */
#include "control.h"

int main(int argc, char **argv)
{
	char line[400] = "";
	size_t length = 0;
	struct disk disk;
	int error;

	for (int i = 1; i < argc && length < sizeof(line); i++)
		length += snprintf(line + length, sizeof(line) - length, "%s ", argv[i]);
	if (argc < 2 || length >= sizeof(line)) {
		fprintf(stderr, "usage: DISK_CTL=SOCKET ctl COMMAND [KEY=VALUE...]\n");
		return 2;
	}
	error = disk_connect(&disk, getenv("DISK_CTL"));
	if (error) {
		fprintf(stderr, "DISK_CTL: %s: expected a disk's socket\n", strerror(-error));
		return 2;
	}
	if (!disk_command(&disk, "%s", line)) {
		fprintf(stderr, "disk: %s\n", disk.error);
		return 1;
	}
	fputs(disk.answer, stdout);
	return 0;
}
