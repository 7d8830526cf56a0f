/* SPDX-License-Identifier: MIT */
/* An io_uring without a descriptor, as it comes out of its making. */
#define _GNU_SOURCE
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "child.h"
#include "os/fd_path.h"
#include "os/sys.h"
#include "os/uring.h"
#include "ring/ring.h"
#include "ring/setup.h"

static struct io_uring uring;

static void make(void)
{
	int err = wt_ring_setup(&uring);

	if (wt_sys_is_refusal(err) || err == -EACCES)
		cr_skip_test("this machine: no io_uring");
	cr_assert_eq(err, 0, "%d", err);
}

static int run(struct io_uring_sqe *sqe)
{
	struct io_uring_cqe *cqe;
	int res;

	(void)sqe;
	cr_assert_eq(io_uring_submit_and_wait(&uring, 1), 1);
	cr_assert_eq(io_uring_peek_cqe(&uring, &cqe), 0);
	res = cqe->res;
	io_uring_cqe_seen(&uring, cqe);
	return res;
}

Test(ring_setup, it_works_without_a_descriptor)
{
	int before = child_count_descriptors();

	make();
	cr_expect_eq(child_count_descriptors(), before);
	cr_expect_eq(uring.ring_fd, -1);
	struct io_uring_sqe *sqe = io_uring_get_sqe(&uring);
	io_uring_prep_nop(sqe);
	cr_expect_eq(run(sqe), 0);
}

/* A file at that place, and nothing past the last. */
static int open_at(unsigned int place)
{
	struct io_uring_sqe *sqe = io_uring_get_sqe(&uring);

	io_uring_prep_openat_direct(sqe, AT_FDCWD, "/", O_RDONLY | O_DIRECTORY, 0, place);
	return run(sqe);
}

Test(ring_setup, it_has_a_place_for_each_mirror)
{
	make();
	cr_expect_eq(open_at(0), 0);
	cr_expect_eq(open_at(WT_MIRRORS - 1), 0);
	cr_expect_eq(open_at(WT_MIRRORS), -EINVAL);
}

Test(ring_setup, a_refusal_is_its_error_and_leaves_nothing)
{
	int before = child_count_descriptors();

	if (SANITIZED || !child_refuse_call(SYS_io_uring_register, EACCES))
		cr_skip_test("this machine: no filter of system calls");
	cr_expect_eq(wt_ring_setup(&uring), -EACCES);
	cr_expect_eq(child_count_descriptors(), before);
}

static int in_its_place, duplicates;

/* Another thread's dup2, between the two calls. */
static ssize_t replace_and_read(const char *path, char *buf, size_t size)
{
	for (int fd = 0; fd < 64; fd++) {
		char name[64] = "", link[WT_FD_PATH_LINK_BYTES];

		wt_fd_path_link(fd, link);
		if (readlink(link, name, sizeof(name) - 1) > 0 &&
		    !strcmp(name, "anon_inode:[io_uring]"))
			duplicates += dup2(in_its_place, fd) == fd;
	}
	ssize_t len = readlink(path, buf, size);
	return len < 0 ? -errno : len;
}

Test(ring_setup, a_file_that_another_thread_put_there_is_not_closed)
{
	in_its_place = open("/", O_PATH | O_CLOEXEC);
	int before = child_count_descriptors();

	wt_sys.readlink = replace_and_read;
	make();
	cr_expect_eq(duplicates, 1);
	cr_expect_eq(child_count_descriptors(), before + 1);
}
