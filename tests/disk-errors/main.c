/* SPDX-License-Identifier: MIT */
#include "disk_errors.h"

#include <time.h>

int64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000000000LL + now.tv_nsec;
}

void die(const char *what)
{
	fprintf(stderr, "disk-errors: %s: %s\n", what, strerror(errno));
	exit(3);
}

int main(int argc, char **argv)
{
	if (argc > 1 && !strcmp(argv[1], "write"))
		return write_main(argc - 2, argv + 2);
	if (argc > 1 && !strcmp(argv[1], "judge"))
		return judge(argc - 2, argv + 2);
	fprintf(stderr,
		"usage: disk-errors judge [-v] [-g] [-t TIMES] through|dsync FIRST STEP COUNT "
		"COMMAND...\n");
	return 2;
}
