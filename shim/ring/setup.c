/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#include "ring/setup.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "base/base.h"
#include "os/fd_path.h"
#include "os/sandbox.h"
#include "os/sys.h"
#include "os/uring.h"
#include "ring/ring.h"

#define ENTRIES 4

/*
 * Newer flags first: with one issuer, and completions that run when it waits, no other task is
 * interrupted for them (6.1).
 */
static int setup(struct io_uring *uring)
{
	static const unsigned int tries[] = {
		IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN,
		0,
	};
	int err = -EINVAL;

	for (size_t i = 0; i < WT_LENGTH(tries) && err == -EINVAL; i++) {
		struct io_uring_params params = { .flags = tries[i] };

		err = io_uring_queue_init_params(ENTRIES, uring, &params);
	}
	return err;
}

/*
 * Closes the descriptor only if it still is an io_uring: another thread may have put a file of its
 * own there with dup2(2).
 */
static void close_ring(int fd)
{
	static const char name[] = "anon_inode:[io_uring]";
	char path[64];
	struct stat st;
	ssize_t len = wt_fd_path(fd, path, sizeof(path));

	/* Without /proc at least no file of the program's: an anonymous inode has no file type. */
	if (len < 0 ? !wt_sys.identify(fd, &st) && !(st.st_mode & S_IFMT)
		    : len == sizeof(name) - 1 && !strcmp(path, name))
		wt_sys.close(fd);
}

/*
 * Registers the descriptor with the thread (since 5.18). 0 or -errno; the EINVAL of an older kernel
 * is a lasting refusal.
 */
static int register_descriptor(struct io_uring *uring)
{
	int registered = io_uring_register_ring_fd(uring);

	if (registered < 0)
		return registered;
	return registered == 1 ? 0 : -EINVAL;
}

int wt_ring_setup(struct io_uring *uring)
{
	int files[WT_MIRRORS];
	int err = wt_sandbox_try_ring();

	if (!err)
		err = setup(uring);
	if (err)
		return err;
	for (int i = 0; i < WT_MIRRORS; i++)
		files[i] = -1;
	err = io_uring_register_files(uring, files, WT_MIRRORS);
	if (!err)
		err = register_descriptor(uring);
	if (err) {
		io_uring_queue_exit(uring);
		return err;
	}
	close_ring(uring->ring_fd);
	uring->ring_fd = -1;
	io_uring_ring_dontfork(uring);
	return 0;
}
