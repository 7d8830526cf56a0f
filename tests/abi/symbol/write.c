/* SPDX-License-Identifier: MIT */
/* Writes, copies, sizes and syncs by a descriptor. */
#include "symbol.h"
#include "os/raw.h" /* past libwt, which exports syscall(3) */

#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/uio.h>

/* One write, in the words of the call. */
static struct {
	const void *data;
	size_t len;
	off_t offset;
	int flags;
} w;

static struct iovec iov[2];

static void wanted(int of, const void *data, size_t len, off_t offset)
{
	fd = of;
	w.data = data;
	w.len = len;
	w.offset = offset;
	iov[0] = (struct iovec){ (void *)data, len / 3 };
	iov[1] = (struct iovec){ data ? (char *)data + len / 3 : NULL, len - len / 3 };
}

static int opened(int flags)
{
	return open("file", flags | O_CREAT, 0600);
}

static void close_fd(void)
{
	close(fd);
	fd = -1;
}

static void all_write_in_limits(const char *call, long (*write_it)(void))
{
	wanted(opened(O_RDWR | O_TRUNC), text_of(1000), 1000, 4000);
	lseek(fd, 4000, SEEK_SET);
	say("-- short");
	limit(4100);
	tell_and_judge("file", call, write_it);
	say("-- no room");
	w.offset = 4100;
	tell_and_judge("file", call, write_it);
	limit(-1);
	close_fd();
}

static void all_write(const char *call, long (*write_it)(void))
{
	int pipes[2];

	make_file("file", 10000);
	wanted(opened(O_RDWR), "overwritten", 11, 4090);
	tell_and_judge("file", call, write_it);
	say("-- many bytes, nothing, no memory, no offset");
	wanted(fd, text_of(300000), 300000, 77);
	tell_and_judge("file", call, write_it);
	wanted(fd, "", 0, 5);
	tell_and_judge("file", call, write_it);
	wanted(fd, NULL, 100, 5);
	tell_and_judge("file", call, write_it);
	wanted(fd, "text", 4, -7);
	tell_and_judge("file", call, write_it);
	close_fd();
	say("-- appended");
	wanted(opened(O_WRONLY | O_APPEND), "appended", 8, 50);
	tell_and_judge("file", call, write_it);
	close_fd();
	say("-- only read, not open, a pipe");
	wanted(opened(O_RDONLY), "text", 4, 0);
	tell_and_judge("file", call, write_it);
	close_fd();
	wanted(-1, "text", 4, 0);
	tell_and_judge("file", call, write_it);
	if (pipe(pipes))
		abort();
	wanted(pipes[1], "text", 4, 0);
	tell_and_judge("file", call, write_it);
	all_write_in_limits(call, write_it);
}

CASE(write, all_write, write(fd, w.data, w.len))
CASE(pwrite, all_write, pwrite(fd, w.data, w.len, w.offset))
CASE(pwrite64, all_write, pwrite64(fd, w.data, w.len, w.offset))
CASE(writev, all_write, writev(fd, iov, 2))
CASE(pwritev, all_write, pwritev(fd, iov, 2, w.offset))
CASE(pwritev64, all_write, pwritev64(fd, iov, 2, w.offset))
CASE(pwritev2, all_write, pwritev2(fd, iov, 2, w.offset, RWF_HIPRI))
CASE(pwritev64v2, all_write, pwritev64v2(fd, iov, 2, w.offset == 5 ? -1 : w.offset, RWF_APPEND))

/* One copy, in the words of the call; its source is "in", or a pipe. */
static struct {
	int in;
	off64_t *in_offset;
	off64_t *out_offset;
	size_t len;
} c;

static void copied(int in, off64_t *in_offset, off64_t *out_offset, size_t len)
{
	c.in = in;
	c.in_offset = in_offset;
	c.out_offset = out_offset;
	c.len = len;
}

static int filled_pipe(size_t len)
{
	int pipes[2];

	if (pipe(pipes) || wt_syscall(SYS_write, pipes[1], text_of(len), len) != (long)len)
		abort();
	wt_syscall(SYS_close, pipes[1]);
	return pipes[0];
}

static void tell_offsets(const char *call, long (*copy)(void))
{
	tell_and_judge("file", call, copy);
	say("  in=%ld out=%ld source=%ld", c.in_offset ? (long)*c.in_offset : -1,
	    c.out_offset ? (long)*c.out_offset : -1, wt_syscall(SYS_lseek, c.in, 0, SEEK_CUR));
}

static void all_copy_refused(const char *call, long (*copy)(void), int in)
{
	static off64_t negative = -5;

	say("-- appended, only read, not open, no source, nothing, no such memory, negative");
	copied(in, NULL, NULL, 9);
	fd = opened(O_RDWR | O_APPEND);
	tell_and_judge("file", call, copy);
	close_fd();
	fd = opened(O_RDONLY);
	tell_and_judge("file", call, copy);
	close_fd();
	tell_and_judge("file", call, copy);
	fd = opened(O_RDWR);
	copied(-1, NULL, NULL, 9);
	tell_and_judge("file", call, copy);
	copied(in, NULL, NULL, 0);
	tell_and_judge("file", call, copy);
	copied(in, (off64_t *)16, (off64_t *)16, 9);
	tell_and_judge("file", call, copy);
	copied(in, &negative, &negative, 9);
	tell_offsets(call, copy);
	close_fd();
}

static void all_copy(const char *call, long (*copy)(void))
{
	off64_t from = 4, to = 5;
	int in;

	make_file("in", 20000);
	in = open("in", O_RDONLY);
	lseek(in, 1, SEEK_SET); /* whole blocks may be cloned, and then no page is dirty */
	fd = opened(O_RDWR);
	copied(in, NULL, NULL, 6000);
	tell_offsets(call, copy);
	copied(in, &from, &to, 6000);
	tell_offsets(call, copy);
	copied(filled_pipe(5000), NULL, NULL, 3000);
	tell_offsets(call, copy);
	copied(c.in, NULL, &to, 9000);
	tell_offsets(call, copy);
	say("-- short, no room");
	copied(in, NULL, NULL, 4000);
	lseek(fd, 8000, SEEK_SET);
	limit(10000);
	tell_offsets(call, copy);
	tell_offsets(call, copy);
	limit(-1);
	close_fd();
	all_copy_refused(call, copy, in);
}

CASE(copy_file_range, all_copy, copy_file_range(c.in, c.in_offset, fd, c.out_offset, c.len, 0))
CASE(sendfile, all_copy, sendfile(fd, c.in, c.in_offset, c.len))
CASE(sendfile64, all_copy, sendfile64(fd, c.in, c.in_offset, c.len))
CASE(splice, all_copy, splice(c.in, c.in_offset, fd, c.out_offset, c.len, 0))

static void all_size(const char *call, long (*change)(void))
{
	make_file("file", 10000);
	fd = opened(O_RDWR);
	TELL_AS(call, change());
	judge_if_dirty("file");
	say("-- no room, only read, not open");
	limit(5000);
	TELL_AS(call, change());
	limit(-1);
	close_fd();
	fd = opened(O_RDONLY);
	TELL_AS(call, change());
	close_fd();
	TELL_AS(call, change());
}

/* To a size within a page and within the file, then beyond. */
static off_t next_size(void)
{
	static int calls;

	return calls++ ? 12345 : 6789;
}

#define SIZES(name, call)                                                                          \
	static long size_##name(void)                                                              \
	{                                                                                          \
		return call;                                                                       \
	}                                                                                          \
	void try_##name(void)                                                                      \
	{                                                                                          \
		all_size(#call, size_##name);                                                      \
	}

SIZES(ftruncate, ftruncate(fd, next_size()))
SIZES(ftruncate64, ftruncate64(fd, next_size()))
SIZES(truncate, truncate(fd < 0 ? "absent" : "file", next_size()))
SIZES(truncate64, truncate64(fd < 0 ? "absent/file" : "file", next_size()))
SIZES(fallocate, fallocate(fd, FALLOC_FL_ZERO_RANGE, 100, 9000))
SIZES(fallocate64, fallocate64(fd, 0, 9000, 9000))
SIZES(posix_fallocate, posix_fallocate(fd, 5000, 9000))
SIZES(posix_fallocate64, posix_fallocate64(fd, -5000, 9000) + posix_fallocate64(fd, 9000, 1))

/* The old names of fallocate(2), which no header has. */
struct range {
	short kind, from;
	long long start, len;
	int unused[6];
};

#define UNRESERVE _IOW('X', 43, struct range)
#define ZERO _IOW('X', 57, struct range)

/* A clone, where the file system has them; any other request goes by. */
void try_ioctl(void)
{
	int unread = -1, in;

	make_file("in", 3 * PROBE_BLOCK);
	in = open("in", O_RDONLY);
	struct file_clone_range part = { .src_fd = in, .src_length = PROBE_BLOCK };
	fd = opened(O_RDWR);
	TELL(ioctl(fd, FICLONE, in));
	TELL(ioctl(fd, FICLONERANGE, &part));
	judge_if_dirty("file");
	TELL(ioctl(fd, FIONREAD, &unread));
	say("unread: %d", unread);
	TELL(ioctl(fd, FICLONE, -1));
	TELL(ioctl(-1, FICLONE, in));
	TELL(ioctl(fd, FIONREAD, NULL));
	struct range inside = { .start = 100, .len = 5000 };
	make_file("ranges", 12000);
	fd = open("ranges", O_RDWR);
	TELL(ioctl(fd, UNRESERVE, &inside));
	judge("ranges");
	inside.start = 6000;
	TELL(ioctl(fd, ZERO, &inside));
	judge("ranges");
	TELL(ioctl(fd, ZERO, NULL));
}

static void dirty_file(void)
{
	make_file("file", 10000);
	fd = opened(O_RDWR);
	wt_syscall(SYS_pwrite64, fd, "dirt", 4L, 5000L);
}

static void all_sync(const char *call, long (*sync_it)(void))
{
	dirty_file();
	TELL_AS(call, sync_it());
	tell_dirty("file");
	say("-- only read, not open, a pipe");
	fd = open("file", O_RDONLY);
	TELL_AS(call, sync_it());
	fd = -1;
	TELL_AS(call, sync_it());
	fd = filled_pipe(1);
	TELL_AS(call, sync_it());
}

CASE(fsync, all_sync, fsync(fd))
CASE(fdatasync, all_sync, fdatasync(fd))
CASE(sync_file_range, all_sync, sync_file_range(fd, 4096, 4096, 7))

/* Stores are no calls: the report names the file. */
static void all_map(const char *call, void *(*map)(int prot, int flags, int of, off_t offset))
{
	const int both = PROT_READ | PROT_WRITE;
	char *shared;

	make_file("file", 10000);
	fd = opened(O_RDWR);
	errno = UNTOUCHED;
	shared = map(both, MAP_SHARED, fd, 4096);
	tell(call, shared != MAP_FAILED);
	strcpy(shared, "stored");
	msync(shared, 4096, MS_SYNC);
	say("-- private, anonymous, only read, at no page, not open");
	TELL_AS(call, map(both, MAP_PRIVATE, fd, 0) != MAP_FAILED);
	TELL_AS(call, map(both, MAP_SHARED | MAP_ANONYMOUS, -1, 0) != MAP_FAILED);
	TELL_AS(call, map(both, MAP_SHARED, open("file", O_RDONLY), 0) != MAP_FAILED);
	TELL_AS(call, map(both, MAP_SHARED, fd, 5) != MAP_FAILED);
	TELL_AS(call, map(both, MAP_SHARED, -1, 0) != MAP_FAILED);
}

static void *by_mmap(int prot, int flags, int of, off_t offset)
{
	return mmap(NULL, 4096, prot, flags, of, offset);
}

static void *by_mmap64(int prot, int flags, int of, off_t offset)
{
	return mmap64(NULL, 4096, prot, flags, of, offset);
}

void try_mmap(void)
{
	all_map("mmap", by_mmap);
}

void try_mmap64(void)
{
	all_map("mmap64", by_mmap64);
}

/* Of a descriptor that was not seen to be opened. */
void scene_mapped_unseen(void)
{
	char *shared;

	make_file("file", 10000);
	fd = (int)wt_syscall(SYS_openat, AT_FDCWD, "file", O_RDWR, 0);
	errno = UNTOUCHED;
	shared = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	tell("mmap", shared != MAP_FAILED);
	strcpy(shared, "stored");
	msync(shared, 4096, MS_SYNC);
}

/* Only read, and none's; then the file's is made writable, and stored to. */
static void all_protect(const char *call, int (*protect)(void *at, size_t len, int prot))
{
	char *shared, *own;

	make_file("file", 10000);
	fd = opened(O_RDWR);
	shared = mmap(NULL, 8192, PROT_READ, MAP_SHARED, fd, 0);
	own = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	close_fd();
	TELL_AS(call, protect(own, 4096, PROT_READ | PROT_WRITE));
	strcpy(own, "stored");
	TELL_AS(call, protect(shared + 4096, 4096, PROT_READ | PROT_WRITE));
	strcpy(shared + 4096, "stored");
	msync(shared + 4096, 4096, MS_SYNC);
	say("-- nothing there, at no page, of a file that is only read");
	TELL_AS(call, protect(NULL, 4096, PROT_READ));
	TELL_AS(call, protect(shared + 1, 4096, PROT_WRITE));
	shared = mmap(NULL, 8192, PROT_READ, MAP_SHARED, open("file", O_RDONLY), 0);
	TELL_AS(call, protect(shared, 4096, PROT_WRITE));
}

static int by_mprotect(void *at, size_t len, int prot)
{
	return mprotect(at, len, prot);
}

static int by_pkey_mprotect(void *at, size_t len, int prot)
{
	return pkey_mprotect(at, len, prot, -1);
}

void try_mprotect(void)
{
	all_protect("mprotect", by_mprotect);
}

void try_pkey_mprotect(void)
{
	all_protect("pkey_mprotect", by_pkey_mprotect);
}

/* It could be made writable, and is not: no hole. */
void scene_mapped_to_read(void)
{
	char *own = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	make_file("file", 10000);
	fd = opened(O_RDWR);
	TELL_POINTER(mmap(NULL, 8192, PROT_READ, MAP_SHARED, fd, 0));
	TELL(mprotect(own, 4096, PROT_READ | PROT_WRITE));
	TELL(pwrite(fd, "written", 7, 5000));
	judge("file");
}
