/* SPDX-License-Identifier: MIT */
/*
 * rings_writer HOW FILE - writes a page by an io_uring: to the file's number (`number`), to a place
 * of the ring that it was given in a way that libwt does not see (`fixed`, and by its number as
 * well), or after io_uring_setup(2) by syscall(2) (`told`). Then everything is closed.
 *
 * rings_writer locks FILE - takes a record lock, opens the file again when there is a ring, and
 * lets a child look.
 *
 * Prints how many pages are dirty, what F_GETFL shows of O_DSYNC, and the lock.
 */
#define _GNU_SOURCE
#include <liburing.h>
#include <sys/wait.h>

#include "../lib/probe.h"

static struct io_uring ring;

static void must(bool done, const char *what)
{
	if (done)
		return;
	perror(what);
	exit(2);
}

static void submit(struct io_uring_sqe *sqe)
{
	struct io_uring_cqe *cqe;

	(void)sqe;
	must(io_uring_submit(&ring) == 1 && !io_uring_wait_cqe(&ring, &cqe), "submit");
	must(cqe->res == PROBE_BLOCK, "write");
	io_uring_cqe_seen(&ring, cqe);
}

static void write_page(int fd, bool fixed)
{
	struct io_uring_sqe *sqe = io_uring_get_sqe(&ring);
	static char page[PROBE_BLOCK];
	__u64 tag = 0;

	io_uring_prep_write(sqe, fd, page, PROBE_BLOCK, 0);
	submit(sqe);
	if (!fixed)
		return;
	must(!fsync(fd), "fsync");
	must(!io_uring_register_files_tags(&ring, &fd, &tag, 1), "register");
	sqe = io_uring_get_sqe(&ring);
	io_uring_prep_write(sqe, 0, page, PROBE_BLOCK, 0);
	sqe->flags |= IOSQE_FIXED_FILE;
	submit(sqe);
}

static void tell(void)
{
	struct io_uring_params params = { 0 };

	must(syscall(SYS_io_uring_setup, 1, &params) >= 0, "io_uring_setup");
}

static int look_at_locks(const char *path)
{
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET, .l_len = 10 };
	int fd = open(path, O_RDWR | O_CREAT, 0600);

	must(!fcntl(fd, F_SETLK, &lock), "F_SETLK");
	tell();
	must(open(path, O_RDWR) > fd, path);
	pid_t child = fork();
	if (!child) {
		must(!fcntl(fd, F_GETLK, &lock), "F_GETLK");
		printf("locked=%d\n", lock.l_type == F_WRLCK);
		exit(0);
	}
	must(waitpid(child, NULL, 0) == child, "waitpid");
	return 0;
}

int main(int argc, char **argv)
{
	struct probe_cache pages = { 0 };

	if (argc < 3)
		return 2;
	if (!strcmp(argv[1], "locks"))
		return look_at_locks(argv[2]);
	if (!strcmp(argv[1], "told"))
		tell();
	int fd = open(argv[2], O_RDWR | O_CREAT, 0600);
	must(fd >= 0, argv[2]);
	must(!io_uring_queue_init(4, &ring, 0), "io_uring_queue_init");
	write_page(fd, !strcmp(argv[1], "fixed"));
	must(!probe_cachestat(fd, 0, 0, &pages), "cachestat");
	printf("dirty=%d O_DSYNC=%d\n", pages.dirty > 0, (fcntl(fd, F_GETFL) & O_DSYNC) != 0);
	close(fd);
	io_uring_queue_exit(&ring);
	return 0;
}
