/* SPDX-License-Identifier: MIT */
/*
 * writer HOW FILE - writes a page by an io_uring: to the file's number (`number`); to a place
 * of the ring that it was given in a way that libwt does not see (`fixed`, and by its number as
 * well), or by a request (`updated`), or where it was opened (`placed`); after io_uring_setup(2) by
 * syscall(2) (`told`), or after an io_submit(2) (`submitted`). Or cuts the file (`cut`). Then
 * everything is closed. Or the ring itself opens the file under a number (`opens`, `opens2` by
 * openat2(2)) and is still there when the program ends, `opens-told` after a syscall(2) as above.
 * `asks`: a ring that only does nothing (IORING_OP_NOP).
 *
 * writer locks FILE - takes a record lock, opens the file again when there is a ring, and
 * lets a child look.
 *
 * Prints how many pages are dirty, what F_GETFL shows of O_DSYNC, and the lock.
 */
#define _GNU_SOURCE
#include <libaio.h>
#include <liburing.h>
#include <stdbool.h>
#include <sys/wait.h>

#include "../lib/probe.h"

static struct io_uring ring;

/* The result of the request. */
static int submit(struct io_uring_sqe *sqe)
{
	struct io_uring_cqe *cqe = NULL;

	(void)sqe;
	must(io_uring_submit(&ring) == 1 && !io_uring_wait_cqe(&ring, &cqe), "submit");
	int result = cqe->res;
	must(result >= 0, "request");
	io_uring_cqe_seen(&ring, cqe);
	return result;
}

static char page[PROBE_BLOCK];

static void write_page(int fd, int flags)
{
	struct io_uring_sqe *sqe = io_uring_get_sqe(&ring);

	io_uring_prep_write(sqe, fd, page, PROBE_BLOCK, 0);
	sqe->flags |= flags;
	submit(sqe);
}

static void write_fixed(int fd)
{
	write_page(fd, 0);
	must(!fsync(fd), "fsync");
	must(!io_uring_register(ring.ring_fd, IORING_REGISTER_FILES, &fd, 1), "register");
	write_page(0, IOSQE_FIXED_FILE);
}

/* The file has no number any more when it is written. */
static void write_updated(int fd)
{
	struct io_uring_sqe *sqe = io_uring_get_sqe(&ring);
	int none = -1;

	must(!io_uring_register_files(&ring, &none, 1), "register");
	io_uring_prep_files_update(sqe, &fd, 1, 0);
	submit(sqe);
	close(fd);
	write_page(0, IOSQE_FIXED_FILE);
}

/* And here it never had one. */
static void write_placed(const char *path)
{
	struct io_uring_sqe *sqe = io_uring_get_sqe(&ring);
	int none = -1;

	must(!io_uring_register_files(&ring, &none, 1), "register");
	io_uring_prep_openat_direct(sqe, AT_FDCWD, path, O_RDWR | O_CREAT, 0600, 0);
	submit(sqe);
	write_page(0, IOSQE_FIXED_FILE);
}

static void write_submitted(int fd)
{
	struct iocb request, *requests = &request;
	io_context_t context = NULL;
	struct io_event event;

	must(!io_setup(1, &context), "io_setup");
	io_prep_pwrite(&request, fd, page, PROBE_BLOCK, 0);
	must(io_submit(context, 1, &requests) == 1, "io_submit");
	must(io_getevents(context, 1, 1, &event, NULL) == 1, "io_getevents");
	must(!fsync(fd), "fsync");
	write_page(fd, 0);
}

static void cut(int fd)
{
	struct io_uring_sqe *sqe;

	must(write(fd, page, PROBE_BLOCK) == PROBE_BLOCK && !fsync(fd), "write");
	sqe = io_uring_get_sqe(&ring);
	io_uring_prep_rw(55, sqe, fd, NULL, 0, 100); /* IORING_OP_FTRUNCATE */
	submit(sqe);
}

static void change(const char *how, const char *path, int fd)
{
	if (!strcmp(how, "fixed"))
		write_fixed(fd);
	else if (!strcmp(how, "updated"))
		write_updated(fd);
	else if (!strcmp(how, "placed"))
		write_placed(path);
	else if (!strcmp(how, "submitted"))
		write_submitted(fd);
	else if (!strcmp(how, "cut"))
		cut(fd);
	else
		write_page(fd, 0);
}

static int opened_by_ring(const char *path, bool by_openat2)
{
	struct open_how how = { .flags = O_RDWR | O_CREAT, .mode = 0600 };
	struct io_uring_sqe *sqe = io_uring_get_sqe(&ring);

	if (by_openat2)
		io_uring_prep_openat2(sqe, AT_FDCWD, path, &how);
	else
		io_uring_prep_openat(sqe, AT_FDCWD, path, how.flags, how.mode);
	return submit(sqe);
}

/* The ring stays until the end of the program. */
static int open_in_ring(const char *how, const char *path)
{
	must(!io_uring_queue_init(4, &ring, 0), "io_uring_queue_init");
	if (!strcmp(how, "asks")) {
		struct io_uring_sqe *sqe = io_uring_get_sqe(&ring);

		io_uring_prep_nop(sqe);
		submit(sqe);
		printf("done\n");
		return 0;
	}
	int fd = opened_by_ring(path, !strcmp(how, "opens2"));
	write_page(fd, 0);
	printf("dirty=%d O_DSYNC=0\n", probe_dirty_pages(fd) > 0);
	struct io_uring_sqe *sqe = io_uring_get_sqe(&ring);
	io_uring_prep_close(sqe, fd);
	submit(sqe);
	return 0;
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
	if (argc < 3)
		return 2;
	if (!strcmp(argv[1], "locks"))
		return look_at_locks(argv[2]);
	if (!strcmp(argv[1], "told") || !strcmp(argv[1], "opens-told"))
		tell();
	if (!strncmp(argv[1], "opens", 5) || !strcmp(argv[1], "asks"))
		return open_in_ring(argv[1], argv[2]);
	int fd = strcmp(argv[1], "placed") ? open(argv[2], O_RDWR | O_CREAT, 0600) : 0;
	must(fd >= 0, argv[2]);
	must(!io_uring_queue_init(4, &ring, 0), "io_uring_queue_init");
	change(argv[1], argv[2], fd);
	if (fcntl(fd, F_GETFL) < 0 || !fd)
		fd = open(argv[2], O_RDONLY);
	printf("dirty=%d O_DSYNC=%d\n", probe_dirty_pages(fd) > 0,
	       (fcntl(fd, F_GETFL) & O_DSYNC) != 0);
	close(fd);
	io_uring_queue_exit(&ring);
	return 0;
}
