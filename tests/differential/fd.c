/* SPDX-License-Identifier: MIT */
#include "differential.h"
#include <dirent.h>
#include <limits.h>
#include <sys/mman.h>
#include <sys/wait.h>

/* What _FORTIFY_SOURCE calls instead of open. */
int __open_2(const char *path, int flags);
int __open64_2(const char *path, int flags);
int __openat_2(int dir, const char *path, int flags);
int __openat64_2(int dir, const char *path, int flags);

int any_fd(struct rng *rng)
{
	static const int strange[] = { -1, INT_MIN, INT_MAX, 1000, FEW_DESCRIPTORS };
	int fd = one_in(rng, 40) ? strange[below(rng, COUNT(strange))] : -1;

	for (int tries = 0; fd == -1 && tries < 4; tries++)
		fd = my.slots[below(rng, SLOTS)];
	return fd;
}

/* Where an instruction may change what a number is: it was of a file of these, or of nothing. */
static bool can_change_unseen(int fd)
{
	return raw_flags(fd) < 0 || raw_is_file_here(fd);
}

/* What the slot held is closed, now and then behind the back of any library. */
int *free_slot(struct rng *rng)
{
	int *slot = &my.slots[below(rng, SLOTS)];
	bool unseen = one_in(rng, 6) && can_change_unseen(*slot);

	if (*slot >= 0)
		trace(unseen ? TRY(wt_syscall(SYS_close, *slot)) : TRY(close(*slot)), "%sclose %d",
		      unseen ? "unseen " : "", *slot);
	*slot = -1;
	return slot;
}

const char *any_name(struct rng *rng)
{
	static const char *const names[] = { "f0", "f1", "f2", "f3", "f4", "f5" };

	return names[below(rng, COUNT(names))];
}

static const char *any_path(struct rng *rng, char *path)
{
	const char *ways[] = { "", "", "./", "via/", my.dir };
	const char *way = ways[below(rng, COUNT(ways))];

	snprintf(path, PATH_MAX, "%s%s%s", way, way == my.dir ? "/" : "", any_name(rng));
	return path;
}

static int any_open_flags(struct rng *rng)
{
	static const int access[] = { O_RDONLY, O_WRONLY, O_WRONLY, O_RDWR, O_RDWR, O_RDWR };
	static const struct {
		int flag;
		int one_in;
	} extras[] = {
		{ O_APPEND, 4 },    { O_TRUNC, 8 },    { O_EXCL, 12 },	 { O_DSYNC, 10 },
		{ O_SYNC, 14 },	    { O_DIRECT, 10 },  { O_CLOEXEC, 4 }, { O_NONBLOCK, 16 },
		{ O_NOFOLLOW, 16 }, { O_NOATIME, 16 }, { O_PATH, 40 },	 { O_DIRECTORY, 60 },
	};
	int flags = access[below(rng, COUNT(access))];

	for (size_t i = 0; i < COUNT(extras); i++)
		if (one_in(rng, extras[i].one_in))
			flags |= extras[i].flag;
	if (my.mix == ALL)
		flags &= ~O_DIRECT; /* which a stream's buffer is not aligned for */
	return one_in(rng, 5) ? flags : flags | O_CREAT;
}

static long open_in_dir(const char *path, int flags, mode_t mode)
{
	int dir = open(".", O_RDONLY | O_DIRECTORY);
	long fd = TRY(openat(dir, path, flags, mode));

	close(dir);
	return fd;
}

static long open_by(int way, const char *path, int flags, mode_t mode)
{
	switch (way) {
	case 0:
		return TRY(open64(path, flags, mode));
	case 1:
		return TRY(creat(path, mode));
	case 2:
		return TRY(creat64(path, mode));
	case 3:
		return TRY(__open_2(path, flags & ~O_CREAT));
	case 4:
		return TRY(__open64_2(path, flags & ~O_CREAT));
	case 5:
		return TRY(__openat_2(AT_FDCWD, path, flags & ~O_CREAT));
	case 6:
		return TRY(__openat64_2(AT_FDCWD, path, flags & ~O_CREAT));
	case 7:
		return TRY(wt_syscall(SYS_openat, AT_FDCWD, path, flags, mode));
	case 8:
		return TRY(openat64(AT_FDCWD, path, flags, mode));
	case 9:
		return open_in_dir(path, flags, mode);
	case 10:
		return TRY(open(".", (flags & ~O_CREAT) | O_TMPFILE, mode));
	default:
		return TRY(open(path, flags, mode));
	}
}

void op_open(struct rng *rng)
{
	static const mode_t modes[] = { 0644, 0600, 0444, 0777 };
	char path[PATH_MAX];
	int flags = any_open_flags(rng);
	int way = below(rng, 14);
	int *slot = free_slot(rng);

	any_path(rng, path);
	*slot = open_by(way, path, flags, modes[below(rng, COUNT(modes))]);
	trace_fd(*slot, *slot, "open by %d %s, flags %#x", way, strrchr(path, 'f'), flags);
}

void op_mkstemp(struct rng *rng)
{
	char name[] = "tmpXXXXXX.end";
	const char *to = any_name(rng);
	int *slot = free_slot(rng);
	int way = below(rng, 8);
	int flags = one_in(rng, 2) ? O_APPEND : O_CLOEXEC;

	if (way < 4)
		name[9] = '\0';
	if (one_in(rng, 6))
		name[5] = 'y';
	switch (way) {
	case 0:
		*slot = TRY(mkstemp(name));
		break;
	case 1:
		*slot = TRY(mkstemp64(name));
		break;
	case 2:
		*slot = TRY(mkostemp(name, flags));
		break;
	case 3:
		*slot = TRY(mkostemp64(name, flags));
		break;
	case 4:
		*slot = TRY(mkstemps(name, 4));
		break;
	case 5:
		*slot = TRY(mkstemps64(name, 4));
		break;
	case 6:
		*slot = TRY(mkostemps(name, 4, flags));
		break;
	case 7:
		*slot = TRY(mkostemps64(name, 4, flags));
		break;
	}
	trace_fd(*slot, *slot, "mkstemp by %d, flags %#x", way, flags);
	trace(TRY(rename(name, to)), "rename of it to %s", to);
}

/* Descriptors that are no files, in numbers that were files before. */
void op_special(struct rng *rng)
{
	int way = below(rng, 4);
	int *slot = free_slot(rng);
	int *other = way == 0 ? free_slot(rng) : slot;
	int ends[2] = { -1, -1 };
	long result;

	if (way == 0)
		result = TRY(pipe2(ends, O_NONBLOCK));
	else if (way == 1)
		result = ends[0] = TRY(open("/dev/null", O_RDWR));
	else if (way == 2)
		result = ends[0] = TRY(memfd_create("differential", 0));
	else
		result = ends[0] = TRY(open(".", O_RDONLY));
	*other = ends[1];
	*slot = ends[0];
	trace_fd(*slot, result, "special by %d: %d %d", way, ends[0], ends[1]);
}

/* glibc's streams open and close inside libc; then the number becomes another file, unseen. */
void op_stream(struct rng *rng)
{
	const char *name = any_name(rng);
	const char *next = any_name(rng);
	int way = below(rng, 3);
	int *slot = free_slot(rng);
	FILE *file = fopen(name, way == 0 ? "r+" : "a");
	DIR *dir;

	if (file && way == 1)
		file = freopen(next, "a", file);
	if (file) {
		long written = TRY(fprintf(file, "%ld says hello!\n", my.op));

		trace_fd(fileno(file), written, "print to stream by %d", way);
		trace(TRY(fclose(file)), "close of it");
	}
	if (way == 2 && (dir = opendir("."))) {
		trace(dirfd(dir), "opendir");
		closedir(dir);
	}
	*slot = TRY(raw_open(next, O_RDWR | O_CREAT));
	trace_fd(*slot, *slot, "unseen open %s", next);
}

void op_close(struct rng *rng)
{
	int fd = any_fd(rng);
	bool unseen = one_in(rng, 6) && can_change_unseen(fd);

	trace(unseen ? TRY(wt_syscall(SYS_close, fd)) : TRY(close(fd)), "%sclose %d",
	      unseen ? "unseen " : "", fd);
}

/*
 * Not CLOSE_RANGE_UNSHARE: the worker threads of an io_uring keep the table that the process
 * leaves, and all that is open in it. No library that has a ring can undo that.
 */
void op_close_range(struct rng *rng)
{
	static const int flags[] = { 0, 0, CLOSE_RANGE_CLOEXEC, 0x80 };
	int flag = flags[below(rng, COUNT(flags))];
	unsigned int first = 3 + below(rng, 20);
	unsigned int last = one_in(rng, 6) ? ~0U : first + below(rng, 4) - 1;

	if (one_in(rng, 8)) {
		errno = UNTOUCHED;
		closefrom(first);
		trace(returned(0), "closefrom %u", first);
		return;
	}
	trace(TRY(close_range(first, last, flag)), "close_range %u %u %#x", first, last, flag);
}

void op_dup(struct rng *rng)
{
	int from = any_fd(rng);
	bool to_number = one_in(rng, 2);
	int to = one_in(rng, 3) ? 3 + (int)below(rng, FEW_DESCRIPTORS) : any_fd(rng);
	int way = to_number ? 3 + below(rng, 4) : below(rng, 3);
	int *slot = to_number ? &my.slots[below(rng, SLOTS)] : free_slot(rng);
	int flags = one_in(rng, 2) ? O_CLOEXEC : one_in(rng, 8) ? O_APPEND : 0;
	int fd = -1;

	switch (way) {
	case 0:
		fd = TRY(dup(from));
		break;
	case 1:
		fd = TRY(fcntl(from, F_DUPFD, to));
		break;
	case 2:
		fd = TRY(fcntl64(from, F_DUPFD_CLOEXEC, to));
		break;
	case 3:
		fd = TRY(dup2(from, to));
		break;
	case 4:
		fd = TRY(dup3(from, to, flags));
		break;
	case 5:
		fd = can_change_unseen(to) ? TRY(wt_syscall(SYS_dup3, from, to, flags))
					   : TRY(dup3(from, to, flags));
		break;
	case 6:
		fd = TRY(dup2(from, from));
		break;
	}
	trace_fd(fd, fd, "dup by %d of %d to %d, flags %#x", way, from, to, flags);
	if (fd >= 0)
		*slot = fd;
}

/* O_NONBLOCK stays on, or a pipe would end the test. */
void op_fcntl(struct rng *rng)
{
	static const int flags[] = { 0, O_APPEND, O_APPEND, O_DIRECT, O_NOATIME, -1 };
	int fd = any_fd(rng);
	int flag =
		(flags[below(rng, COUNT(flags))] & (my.mix == ALL ? ~O_DIRECT : ~0)) | O_NONBLOCK;
	int way = below(rng, 6);
	long result = 0;

	switch (way) {
	case 0:
		result = TRY(fcntl(fd, F_SETFL, flag));
		break;
	case 1:
		result = TRY(fcntl64(fd, F_SETFL, flag));
		break;
	case 2:
		result = TRY(fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) ^ O_APPEND));
		break;
	case 3:
		result = TRY(fcntl(fd, F_GETFL));
		break;
	case 4:
		result = TRY(fcntl(fd, F_SETFD, flag & FD_CLOEXEC));
		break;
	case 5:
		result = TRY(fcntl(fd, 9999, NULL));
		break;
	}
	trace_fd(fd, result, "fcntl by %d %d %#x", way, fd, flag);
}

/* A process loses its locks on a file when any descriptor of that file closes: none but its own. */
void op_lock(struct rng *rng)
{
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
	int fd = any_fd(rng);
	size_t len = one_in(rng, 2) ? 4096 : whole_blocks(fd, 1 + below(rng, 9000));
	int status = 0;
	pid_t child;

	if (raw_is_device(fd))
		return; /* all processes of the machine share its locks */
	trace(TRY(fcntl(fd, F_SETLK, &lock)), "lock %d", fd);
	trace_fd(fd, TRY(pwrite(fd, pool, len, 4096)), "pwrite %d %zu@4096 under lock", fd, len);
	child = fork();
	if (child == 0) {
		wt_syscall(SYS_fcntl, fd, F_GETLK, &lock);
		wt_syscall(SYS_exit_group, lock.l_type == F_UNLCK ? 0 : 1);
	}
	waitpid(child, &status, 0);
	trace(WEXITSTATUS(status), "%d still locked", fd);
}

/* A table without a free number: what needs a descriptor of its own must do without. */
void op_crowd(struct rng *rng)
{
	int copies[FEW_DESCRIPTORS];
	int fd = any_fd(rng);
	size_t len = one_in(rng, 2) ? 4096 * below(rng, 8) : whole_blocks(fd, below(rng, 9000));
	off_t offset = below(rng, 32) * 4096;
	int count = 0;
	long copy;

	while ((copy = TRY(dup(fd))) >= 0)
		copies[count++] = copy;
	trace(copy, "%d copies of %d", count, fd);
	trace_fd(fd, TRY(write(fd, pool, len)), "write %d %zu", fd, len);
	if (count)
		fd = copies[count - 1];
	trace_fd(fd, TRY(pwrite(fd, pool, len, offset)), "pwrite %d %zu@%ld", fd, len, offset);
	while (count > 0)
		close(copies[--count]);
}

void op_name(struct rng *rng)
{
	const char *from = any_name(rng);
	const char *to = any_name(rng);
	int way = below(rng, 4);
	long result;

	if (way == 0)
		result = TRY(unlink(to));
	else if (way == 1)
		result = TRY(link(from, to));
	else
		result = TRY(rename(from, to));
	trace(result, "name by %d %s %s", way, from, to);
}
