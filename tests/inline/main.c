/* SPDX-License-Identifier: MIT */
/*
 * inline IMAGE DIRECTORY [SCENE] - writes a few bytes to files of DIRECTORY, by each scene in
 * turn, and overwrites them, and looks each time whether IMAGE, the file of the file system's disk,
 * has them when the call has returned. A line a scene: its name, and `lost` for each write of which
 * IMAGE has nothing; `moved` where the bytes no longer lie in the inode. It judges nothing.
 */
#define _GNU_SOURCE
#include <aio.h>
#include <libaio.h>
#include <liburing.h>
#include <linux/fs.h>
#include <pthread.h>
#include <stdbool.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <sys/xattr.h>

#include "../lib/probe.h"

#define LEN 20 /* three of them lie in one piece: an inode has 60 bytes, and more elsewhere */
#define TIMES 3

static const char *image;
static char path[4096], tag[LEN + 1];

static bool is_on_disk(void)
{
	int fd = open(image, O_RDONLY | O_CLOEXEC);
	struct stat st;

	must(fd >= 0 && !fstat(fd, &st), image);
	char *bytes = mmap(NULL, st.st_size, PROT_READ, MAP_SHARED, fd, 0);
	must(bytes != MAP_FAILED, "mmap");
	bool found = memmem(bytes, st.st_size, tag, LEN);
	munmap(bytes, st.st_size);
	close(fd);
	return found;
}

static bool is_inline(int fd)
{
	long flags = 0;

	return !ioctl(fd, FS_IOC_GETFLAGS, &flags) && flags & 0x10000000;
}

/* How the file is made and opened. */

#define OPEN(name, call)                                                                           \
	static int open_##name(void)                                                               \
	{                                                                                          \
		return call;                                                                       \
	}

OPEN(new, open(path, O_CREAT | O_RDWR, 0600))
OPEN(append, open(path, O_CREAT | O_RDWR | O_APPEND, 0600))
OPEN(dsync, open(path, O_CREAT | O_RDWR | O_DSYNC, 0600))

static int open_duplicate(void)
{
	int fd = open_new(), copy = dup(fd);

	close(fd);
	return copy;
}

static int open_existing(void)
{
	int fd = open_new();

	must(write(fd, "before, and long enough for it", 30) == 30, "write");
	close(fd);
	return open(path, O_RDWR);
}

static int open_emptied(void)
{
	close(open_existing());
	return open(path, O_RDWR | O_TRUNC);
}

static int open_sparse(void)
{
	int fd = open_new();

	must(!ftruncate(fd, 1 << 30), "ftruncate");
	return fd;
}

static int open_with_attribute(void)
{
	int fd = open_new();

	must(!fsetxattr(fd, "user.a", "value", 5, 0), "fsetxattr");
	return fd;
}

static int open_grown(void)
{
	static char block[8192];
	int fd = open_existing();

	must(pwrite(fd, block, sizeof(block), 0) == sizeof(block), "pwrite");
	return fd;
}

static int open_cut_back(void)
{
	int fd = open_grown();

	must(!ftruncate(fd, 0), "ftruncate");
	return fd;
}

/* How the tag is written at offset 0, or at the end of a file that appends. */

#define WRITE(name, call)                                                                          \
	static bool by_##name(int fd)                                                              \
	{                                                                                          \
		return call;                                                                       \
	}

WRITE(pwrite, pwrite(fd, tag, LEN, 0) == LEN)
WRITE(write, !lseek(fd, 0, SEEK_SET) && write(fd, tag, LEN) == LEN)

static bool by_writev(int fd)
{
	struct iovec iov[] = { { tag, 10 }, { tag + 10, LEN - 10 } };

	return !lseek(fd, 0, SEEK_SET) && writev(fd, iov, 2) == LEN;
}

static bool by_pwritev2(int fd)
{
	struct iovec iov = { tag, LEN };

	return pwritev2(fd, &iov, 1, 0, 0) == LEN;
}

WRITE(append, write(fd, tag, LEN) == LEN)

static bool by_stream(int fd)
{
	FILE *file = fdopen(dup(fd), "r+");

	return file && !fseek(file, 0, SEEK_SET) && fwrite(tag, LEN, 1, file) == 1 &&
	       !fflush(file) && !fclose(file);
}

static int source(void)
{
	int fd = memfd_create("source", MFD_CLOEXEC);

	must(write(fd, tag, LEN) == LEN, "memfd_create");
	lseek(fd, 0, SEEK_SET);
	return fd;
}

static bool by_sendfile(int fd)
{
	int from = source();
	bool done = !lseek(fd, 0, SEEK_SET) && sendfile(fd, from, NULL, LEN) == LEN;

	close(from);
	return done;
}

static bool by_splice(int fd)
{
	int ends[2];
	off_t at = 0;

	must(!pipe(ends) && write(ends[1], tag, LEN) == LEN, "pipe");
	bool done = splice(ends[0], NULL, fd, &at, LEN, 0) == LEN;
	close(ends[0]);
	close(ends[1]);
	return done;
}

static bool by_copy(int fd)
{
	char name[4200];
	off_t from = 0, to = 0;

	sprintf(name, "%s.source", path);
	int other = open(name, O_CREAT | O_RDWR | O_TRUNC, 0600);
	must(other >= 0 && write(other, tag, LEN) == LEN, name);
	bool done = copy_file_range(other, &from, fd, &to, LEN, 0) == LEN;
	must(!ftruncate(other, 0) && !fallocate(other, 0, 0, 8192),
	     "ftruncate"); /* its own bytes */
	close(other);
	return done;
}

static bool by_aio_write(int fd)
{
	struct aiocb request = { .aio_fildes = fd, .aio_buf = tag, .aio_nbytes = LEN };
	const struct aiocb *list[] = { &request };

	return !aio_write(&request) && !aio_suspend(list, 1, NULL) && aio_return(&request) == LEN;
}

static bool by_io_submit(int fd)
{
	io_context_t context = NULL;
	struct iocb request, *list[] = { &request };
	struct io_event event;

	io_prep_pwrite(&request, fd, tag, LEN, 0);
	bool done = !io_setup(1, &context) && io_submit(context, 1, list) == 1 &&
		    io_getevents(context, 1, 1, &event, NULL) == 1 && event.res == LEN;
	io_destroy(context);
	return done;
}

static bool by_ring(int fd)
{
	struct io_uring ring;
	struct io_uring_cqe *cqe;

	must(!io_uring_queue_init(1, &ring, 0), "io_uring_queue_init");
	io_uring_prep_write(io_uring_get_sqe(&ring), fd, tag, LEN, 0);
	bool done =
		io_uring_submit(&ring) == 1 && !io_uring_wait_cqe(&ring, &cqe) && cqe->res == LEN;
	io_uring_queue_exit(&ring);
	return done;
}

static bool in_child(int fd)
{
	int status;
	pid_t child = fork();

	if (!child)
		_exit(!by_pwrite(fd));
	return waitpid(child, &status, 0) == child && !status;
}

static void *write_in_thread(void *fd)
{
	return by_pwrite(*(int *)fd) ? fd : NULL;
}

static bool in_thread(int fd)
{
	pthread_t thread;
	void *done;

	return !pthread_create(&thread, NULL, write_in_thread, &fd) &&
	       !pthread_join(thread, &done) && done;
}

static bool by_another(int fd)
{
	int other = open(path, O_WRONLY);
	bool done = by_pwrite(other);

	(void)fd;
	close(other);
	return done;
}

/* Under a name that has no rule, until it is put in the place of the other. */
static bool by_rename(int fd)
{
	char name[4200];

	(void)fd;
	sprintf(name, "%s.new", path);
	int other = open(name, O_CREAT | O_RDWR, 0600);
	must(write(other, "something", 9) == 9 && !fsync(other), name);
	must(pwrite(other, tag, LEN, 0) == LEN, name);
	close(other);
	return !rename(name, path);
}

WRITE(fdatasync, by_pwrite(fd) && !fdatasync(fd))

static bool cut_before(int fd)
{
	return !ftruncate(fd, 0) && by_pwrite(fd);
}

static bool cut_after(int fd)
{
	return by_pwrite(fd) && !ftruncate(fd, LEN);
}

static const struct scene {
	const char *name;
	int (*open)(void);
	bool (*write)(int fd);
} scenes[] = {
	{ "pwrite", open_new, by_pwrite },
	{ "write", open_new, by_write },
	{ "writev", open_new, by_writev },
	{ "pwritev2", open_new, by_pwritev2 },
	{ "append", open_append, by_append },
	{ "append_pwrite", open_append, by_pwrite },
	{ "stream", open_new, by_stream },
	{ "sendfile", open_new, by_sendfile },
	{ "splice", open_new, by_splice },
	{ "copy_file_range", open_new, by_copy },
	{ "aio_write", open_new, by_aio_write },
	{ "io_submit", open_new, by_io_submit },
	{ "io_uring", open_new, by_ring },
	{ "child", open_new, in_child },
	{ "thread", open_new, in_thread },
	{ "duplicate", open_duplicate, by_pwrite },
	{ "O_DSYNC", open_dsync, by_pwrite },
	{ "O_DSYNC_write", open_dsync, by_write },
	{ "existing", open_existing, by_pwrite },
	{ "existing_write", open_existing, by_write },
	{ "emptied", open_emptied, by_pwrite },
	{ "sparse", open_sparse, by_pwrite },
	{ "attribute", open_with_attribute, by_pwrite },
	{ "grown", open_grown, by_pwrite },
	{ "cut_back", open_cut_back, by_pwrite },
	{ "another_descriptor", open_new, by_another },
	{ "rename", open_new, by_rename },
	{ "fdatasync", open_new, by_fdatasync },
	{ "cut_before", open_new, cut_before },
	{ "cut_after", open_new, cut_after },
};

static void play(const struct scene *scene, const char *dir)
{
	sprintf(path, "%s/%s.ruled", dir, scene->name);
	unlink(path);
	int fd = scene->open();
	char unique[100];

	must(fd >= 0, path);
	printf("%s:", scene->name);
	for (int time = 0; time < TIMES; time++) {
		sprintf(unique, "%d-%d-%s....................", time, getpid(), scene->name);
		memcpy(tag, unique, LEN);
		must(scene->write(fd), scene->name);
		printf("%s", is_on_disk() ? "" : " lost");
	}
	printf("%s\n", is_inline(fd) ? "" : " moved");
	close(fd);
}

int main(int argc, char **argv)
{
	must(argc >= 3, "inline IMAGE DIRECTORY [SCENE]");
	image = argv[1];
	setvbuf(stdout, NULL, _IOLBF, 0);
	for (size_t i = 0; i < sizeof(scenes) / sizeof(*scenes); i++)
		if (argc < 4 || !strcmp(argv[3], scenes[i].name))
			play(&scenes[i], argv[2]);
	return 0;
}
