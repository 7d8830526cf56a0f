/* SPDX-License-Identifier: MIT */
/*
 * quota DEVICE UID BYTES - the user may have so much on the file system of that device, which was
 * mounted with user quota.
 */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <sys/quota.h>

int main(int argc, char **argv)
{
	struct dqblk quota = { .dqb_valid = QIF_BLIMITS };
	char device[4096];

	if (argc != 4) {
		fprintf(stderr, "usage: quota DEVICE UID BYTES\n");
		return 2;
	}
	quota.dqb_bhardlimit = strtoull(argv[3], NULL, 10) / 1024;
	if (!realpath(argv[1], device) ||
	    quotactl(QCMD(Q_SETQUOTA, USRQUOTA), device, atoi(argv[2]), (void *)&quota)) {
		perror(argv[1]);
		return 1;
	}
	return 0;
}
