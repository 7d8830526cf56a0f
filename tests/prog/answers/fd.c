/* SPDX-License-Identifier: MIT */
/* The groups about descriptors: where they stand, how they were opened, come and go. */
#include "answers.h"

#include <sys/mman.h>
#include <sys/resource.h>

static char bytes[3 * PROBE_BLOCK];

/* Every call leaves the offset where the kernel would. */
void group_offsets(void)
{
	struct iovec iov[2] = { { bytes, 1000 }, { bytes + 1000, 500 } };
	int fd = answer_fd(O_RDWR), appender;

	memset(bytes, 'b', sizeof(bytes));
	ASK("write", "at 0", fd, write(fd, bytes, 100));
	ASK("pwrite", "elsewhere", fd, pwrite(fd, bytes, 100, 5000));
	ASK("writev", "goes on", fd, writev(fd, iov, 2));
	ASK("pwritev2", "goes on", fd, pwritev2(fd, iov, 2, -1, 0));
	ASK("pwritev2", "elsewhere", fd, pwritev2(fd, iov, 2, 9000, 0));
	lseek(fd, 50000, SEEK_SET);
	ASK("write", "beyond the end", fd, write(fd, bytes, sizeof(bytes)));
	ASK("pwritev2", "RWF_APPEND at an offset", fd, pwritev2(fd, iov, 2, 0, RWF_APPEND));
	ASK("pwritev2", "RWF_APPEND at -1", fd, pwritev2(fd, iov, 2, -1, RWF_APPEND));
	ASK("pwritev2", "RWF_DSYNC", fd, pwritev2(fd, iov, 2, 4096, RWF_DSYNC));
	ASK("pwritev2", "RWF_SYNC at -1", fd, pwritev2(fd, iov, 2, -1, RWF_SYNC));
	appender = open(file_path, O_RDWR | O_APPEND);
	ASK("write", "O_APPEND", appender, write(appender, bytes, 4096));
	ASK("pwrite", "O_APPEND", appender, pwrite(appender, bytes, 4096, 0));
	ASK("pwritev2", "O_APPEND at -1", appender, pwritev2(appender, iov, 2, -1, 0));
	lseek(appender, 3, SEEK_SET);
	ASK("write", "O_APPEND after a seek", appender, write(appender, bytes, 10));
	ASK("fcntl", "O_APPEND off", appender, fcntl(appender, F_SETFL, 0));
	lseek(appender, 3, SEEK_SET);
	ASK("write", "O_APPEND no more", appender, write(appender, bytes, 10));
	ASK("pwrite", "O_APPEND no more", appender, pwrite(appender, bytes, 10, 1));
	ASK("fcntl", "O_APPEND on", fd, fcntl(fd, F_SETFL, O_APPEND));
	ASK("pwrite", "O_APPEND now", fd, pwrite(fd, bytes, 10, 1));
	ASK("write", "O_APPEND now", fd, write(fd, bytes, 10));
}

/* What the program opened with is what it goes on to see. */
void group_flags(void)
{
	static const struct {
		const char *name;
		int flags;
	} opened[] = {
		{ "plain", O_RDWR },
		{ "O_WRONLY", O_WRONLY },
		{ "O_DSYNC", O_RDWR | O_DSYNC },
		{ "O_SYNC", O_WRONLY | O_SYNC },
		{ "O_NONBLOCK", O_RDWR | O_NONBLOCK },
		{ "O_CLOEXEC", O_RDWR | O_CLOEXEC },
		{ "O_DIRECT", O_RDWR | O_DIRECT },
		{ "O_DIRECT O_APPEND", O_WRONLY | O_DIRECT | O_APPEND },
	};
	char *aligned = probe_buffer(2 * PROBE_BLOCK);

	memset(aligned, 'a', 2 * PROBE_BLOCK);
	for (size_t i = 0; i < sizeof(opened) / sizeof(opened[0]); i++) {
		int fd = answer_fd(opened[i].flags);

		ASK("F_GETFL", opened[i].name, fd, fcntl(fd, F_GETFL));
		ASK("F_GETFD", opened[i].name, fd, fcntl(fd, F_GETFD));
		ASK("write", opened[i].name, fd, write(fd, aligned, PROBE_BLOCK));
		ASK("pwrite", opened[i].name, fd,
		    pwrite(fd, aligned, 2 * PROBE_BLOCK, PROBE_BLOCK));
		ASK("write", "unaligned", fd, write(fd, aligned + 1, 1000));
		ASK("F_GETFL", "after the writes", fd, fcntl(fd, F_GETFL));
		ASK("fsync", opened[i].name, fd, fsync(fd));
		ASK("fdatasync", opened[i].name, fd, fdatasync(fd));
		ASK("sync_file_range", opened[i].name, fd, sync_file_range(fd, 0, 0, 7));
		ASK("sync_file_range", "bad flags", fd, sync_file_range(fd, 0, 0, 64));
		ASK("sync_file_range", "negative", fd, sync_file_range(fd, -1, 0, 7));
		close(fd);
	}
}

void group_opens(void)
{
	char below[4096], missing[4096], temp[4096];
	mode_t mask = umask(027);
	const char *volatile null = NULL; /* hidden from the compiler */
	struct stat st = { 0 };
	int fd = answer_fd(O_RDWR);

	snprintf(below, sizeof(below), "%s/below", file_path);
	snprintf(missing, sizeof(missing), "%s.missing", file_path);
	unlink(missing);
	ASK("open", "missing", -1, open(missing, O_RDWR));
	ASK("open", "O_EXCL", -1, open(file_path, O_RDWR | O_CREAT | O_EXCL, 0600));
	ASK("open", "below a file", -1, open(below, O_RDWR | O_CREAT, 0600));
	ASK("open", "a directory", -1, open("/", O_RDWR));
	ASK("open", "NULL", -1, open(null, O_RDWR));
	ASK("open", "empty", -1, open("", O_RDWR));
	ASK("openat", "bad directory", -1, openat(-1, "x", O_RDWR));
	ASK("openat", "not a directory", -1, openat(fd, "x", O_RDWR));
	ASK("openat", "absolute", -1, openat(-1, file_path, O_RDWR) >= 0);
	ASK("creat", "NULL", -1, creat(null, 0600));
	ASK("open", "O_CREAT with a mode", -1, open(missing, O_RDWR | O_CREAT, 0666) >= 0);
	stat(missing, &st);
	ASK("mode", "through the umask", -1, st.st_mode & 07777);
	unlink(missing);
	ASK("creat", "with a mode", -1, creat(missing, 0777) >= 0);
	stat(missing, &st);
	ASK("mode", "through the umask", -1, st.st_mode & 07777);
	unlink(missing);
	strcpy(temp, "no template");
	ASK("mkstemp", "no template", -1, mkstemp(temp));
	snprintf(temp, sizeof(temp), "%s.XXXXXXab", file_path);
	ASK("mkstemps", "wrong suffix", -1, mkstemps(temp, 3));
	ASK("mkostemps", "cloexec", -1, fcntl(mkostemps(temp, 2, O_CLOEXEC), F_GETFD));
	unlink(temp);
	umask(mask);
}

void group_duplicates(void)
{
	struct rlimit few = { 64, 64 };
	int fd = answer_fd(O_RDWR), high;

	setrlimit(RLIMIT_NOFILE, &few);
	ASK("dup", "bad", -1, dup(-1));
	ASK("dup2", "bad", -1, dup2(-1, 5));
	ASK("dup2", "itself", fd, dup2(fd, fd));
	ASK("dup2", "bad to itself", -1, dup2(60, 60));
	ASK("dup2", "negative", -1, dup2(fd, -1));
	ASK("dup2", "beyond the limit", -1, dup2(fd, 64));
	ASK("dup3", "itself", -1, dup3(fd, fd, 0));
	ASK("dup3", "bad flags", -1, dup3(fd, 40, 1));
	ASK("F_DUPFD", "negative", -1, fcntl(fd, F_DUPFD, -1));
	ASK("F_DUPFD", "beyond the limit", -1, fcntl(fd, F_DUPFD, 64));
	ASK("F_DUPFD", "50", fd, high = fcntl(fd, F_DUPFD, 50));
	ASK("write", "to the duplicate", fd, write(high, "bytes", 5));
	ASK("fcntl", "bad command", -1, fcntl(fd, 9999, 0));
	ASK("fcntl", "bad descriptor", -1, fcntl(-1, F_GETFL));
	ASK("close_range", "backwards", -1, close_range(5, 3, 0));
	ASK("close_range", "bad flags", -1, close_range(50, 55, 1 << 20));
	ASK("close_range", "50 to 55", fd, close_range(50, 55, 0));
	ASK("write", "to what was closed", fd, write(high, "bytes", 5));
	ASK("close", "what was closed", -1, close(high));
	ASK("close", "bad", -1, close(-1));
	while (dup(fd) >= 0)
		continue;
	ASK("dup", "no more", fd, dup(fd));
	ASK("open", "no more", -1, open(file_path, O_RDWR));
	ASK("write", "with no number free", fd, write(fd, bytes, sizeof(bytes)));
	ASK("pwrite", "with no number free", fd, pwrite(fd, bytes, PROBE_BLOCK, PROBE_BLOCK));
	closefrom(fd + 1);
	ASK("write", "after closefrom", fd, write(fd + 1, "bytes", 5));
	ASK("close", "the last", fd, close(fd));
	ASK("close", "the last, again", -1, close(fd));
}

/* Of fcntl's third argument, which is an int, a pointer or not there, nothing is lost. */
static void ask_fcntl(int fd)
{
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = 5, .l_len = 7 };
	struct flock held = lock;
	struct f_owner_ex owner = { .type = F_OWNER_PGRP, .pid = getpgrp() }, got = { 0 };
	uint64_t hint = RWH_WRITE_LIFE_LONG, got_hint = 0;
	int memory = memfd_create("seals", MFD_ALLOW_SEALING), pipe_fds[2];

	ASK("fcntl", "F_OFD_SETLK", fd, fcntl(fd, F_OFD_SETLK, &lock));
	ASK("fcntl", "F_GETLK", fd, fcntl(fd, F_GETLK, &held));
	ASK("fcntl", "which tells of the lock", -1, held.l_pid == -1 && held.l_start == 5);
	ASK("fcntl", "F_GETLK at NULL", fd, fcntl(fd, F_GETLK, NULL));
	ASK("fcntl", "F_SETOWN_EX", fd, fcntl(fd, F_SETOWN_EX, &owner));
	ASK("fcntl", "F_GETOWN_EX", fd, fcntl(fd, F_GETOWN_EX, &got));
	ASK("fcntl", "which is who was set", -1, got.type == owner.type && got.pid == owner.pid);
	ASK("fcntl", "F_GETOWN, below 0", -1, fcntl(fd, F_GETOWN) == -getpgrp());
	ASK("fcntl", "F_SET_RW_HINT", fd, fcntl(fd, F_SET_RW_HINT, &hint));
	ASK("fcntl", "F_GET_RW_HINT", fd, fcntl(fd, F_GET_RW_HINT, &got_hint));
	ASK("fcntl", "all 64 bits", -1, got_hint == hint);
	ASK("fcntl", "F_ADD_SEALS", memory, fcntl(memory, F_ADD_SEALS, F_SEAL_WRITE));
	ASK("fcntl", "F_GET_SEALS", memory, fcntl(memory, F_GET_SEALS));
	ASK("write", "to what is sealed", memory, write(memory, "x", 1));
	ASK("pipe", "", -1, pipe(pipe_fds));
	ASK("fcntl", "F_SETPIPE_SZ", -1, fcntl(pipe_fds[0], F_SETPIPE_SZ, 65537));
	ASK("fcntl", "F_GETPIPE_SZ", -1, fcntl(pipe_fds[1], F_GETPIPE_SZ));
	ASK("fcntl", "F_SETSIG", fd, fcntl(fd, F_SETSIG, SIGUSR1));
	ASK("fcntl", "F_GETSIG", fd, fcntl(fd, F_GETSIG));
	ASK("fcntl", "F_SETLEASE", fd, fcntl(fd, F_SETLEASE, F_UNLCK));
}

/* A mode that is passed counts, one that is not is not looked for; offsets are 64 bits wide. */
void group_arguments(void)
{
	int (*volatile bare_open)(const char *, int, ...) = open; /* hidden from the compiler */
	int (*volatile bare_openat)(int, const char *, int, ...) = openat;
	char path[4096];
	struct stat st = { 0 };
	int fd = answer_fd(O_RDWR);

	snprintf(path, sizeof(path), "%s.arguments", file_path);
	unlink(path);
	ASK("open", "without a mode", -1, bare_open(file_path, O_RDWR) >= 0);
	ASK("open", "O_CREAT without a mode", -1, bare_open(path, O_RDWR | O_CREAT) >= 0);
	unlink(path);
	ASK("openat", "O_CREAT without a mode", -1,
	    bare_openat(AT_FDCWD, path, O_RDWR | O_CREAT) >= 0);
	unlink(path);
	int made = open(path, O_RDWR | O_CREAT | O_EXCL, 04640);
	fstat(made, &st);
	ASK("open", "all bits of the mode", -1, st.st_mode & 07777);
	ASK("pwrite", "beyond 4 GiB", made, pwrite(made, "far", 3, (1LL << 32) + 5));
	ASK("pwrite64", "beyond 8 GiB", made, pwrite64(made, "far", 3, (1LL << 33) + 5));
	ASK("lseek", "SEEK_DATA", made, lseek(made, 1 << 20, SEEK_DATA));
	ASK("ftruncate", "to 6 GiB", made, ftruncate(made, 6LL << 30));
	ASK("fallocate", "beyond 4 GiB", made, fallocate(made, 0, (1LL << 32) + 8192, 4096));
	ASK("sync_file_range", "beyond 4 GiB", made, sync_file_range(made, 1LL << 32, 4096, 7));
	unlink(path);
	ask_fcntl(fd);
}
