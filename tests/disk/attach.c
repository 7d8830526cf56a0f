/* SPDX-License-Identifier: MIT */
/*
 * attach FILE DIR COMMAND [ARG...] - runs COMMAND with FILE as a block device, which is gone when
 * COMMAND has ended and nothing is mounted from it. DIR/dev is made to point to the device,
 * DIR/queue to its settings and DIR/stat to its counters.
 *
 * It does more than losetup: the device frees itself from the first moment on, so that a test
 * killed at any time leaves none behind; and no request is larger than what FUSE passes on as
 * one, because the loop driver calls a request written of which a part failed.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/loop.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define MAX_REQUEST_KB "64"

static void die(const char *what)
{
	fprintf(stderr, "attach: %s: %s\n", what, strerror(errno));
	exit(1);
}

/* The device's number, and its descriptor, which COMMAND inherits. */
static int attach(const char *file, int *number)
{
	struct loop_config config = {
		.info.lo_flags = LO_FLAGS_AUTOCLEAR | LO_FLAGS_DIRECT_IO,
	};
	int control = open("/dev/loop-control", O_RDWR | O_CLOEXEC);
	char path[32];
	int device, tries = 1000;

	config.fd = open(file, O_RDWR | O_DIRECT | O_CLOEXEC);
	if ((int)config.fd < 0)
		die(file);
	for (;;) {
		*number = control < 0 ? -1 : ioctl(control, LOOP_CTL_GET_FREE);
		if (*number < 0)
			die("/dev/loop-control");
		snprintf(path, sizeof(path), "/dev/loop%d", *number);
		device = open(path, O_RDWR);
		if (device >= 0 && !ioctl(device, LOOP_CONFIGURE, &config))
			return device;
		/* Somebody else was faster; or the device is just made, or taken away. */
		if ((errno != EBUSY && errno != ENXIO && errno != ENOENT) || !tries--)
			die(path);
		if (device >= 0)
			close(device);
		usleep(10000);
	}
}

static void point(const char *dir, const char *name, const char *format, int number)
{
	char link[4096], target[64];

	snprintf(link, sizeof(link), "%s/%s", dir, name);
	snprintf(target, sizeof(target), format, number);
	if ((unlink(link) && errno != ENOENT) || symlink(target, link))
		die(link);
}

static void set_queue(int number, const char *name, const char *value)
{
	const size_t length = strlen(value);
	char path[64];
	int fd;

	snprintf(path, sizeof(path), "/sys/block/loop%d/queue/%s", number, name);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0 || write(fd, value, length) != (ssize_t)length)
		die(path);
	close(fd);
}

int main(int argc, char **argv)
{
	int number;

	if (argc < 4) {
		fprintf(stderr, "usage: attach FILE DIR COMMAND [ARG...]\n");
		return 2;
	}
	attach(argv[1], &number);
	set_queue(number, "max_sectors_kb", MAX_REQUEST_KB);
	/* A loop device keeps this setting from its last user: without a flush, all is lost. */
	set_queue(number, "write_cache", "write back");
	point(argv[2], "dev", "/dev/loop%d", number);
	point(argv[2], "queue", "/sys/block/loop%d/queue", number);
	point(argv[2], "stat", "/sys/block/loop%d/stat", number);
	execvp(argv[3], argv + 3);
	die(argv[3]);
}
