/* SPDX-License-Identifier: MIT */
/* Where descriptors come from, and where they end. */
#include "symbol.h"

#include <linux/close_range.h>
#include <pthread.h>
#include <sched.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>

/* As libc exports them for _FORTIFY_SOURCE. */
int __open_2(const char *path, int flags);
int __open64_2(const char *path, int flags);
int __openat_2(int dirfd, const char *path, int flags);
int __openat64_2(int dirfd, const char *path, int flags);

/* A number that nothing else here has. */
#define FAR 77

static void write_on(const char *name)
{
	TELL(write(fd, "through the descriptor", 22));
	judge(name);
	close(fd);
	fd = -1;
}

static void all_open(const char *call, int (*open_it)(const char *path, int flags))
{
	static const char *volatile nowhere;
	static const struct {
		const char *path;
		int flags;
	} refused[] = {
		{ "absent", O_RDWR },
		{ "file", O_WRONLY | O_DIRECTORY },
		{ ".", O_WRONLY },
		{ "file/file", O_RDWR },
	};

	make_file("file", 100);
	TELL(fd = open_it("file", O_RDWR));
	write_on("file");
	TELL(fd = open_it("file", O_WRONLY | O_APPEND | O_CLOEXEC));
	write_on("file");
	TELL(fd = open_it("file", O_RDONLY));
	TELL(write(fd, "refused", 7));
	for (size_t i = 0; i < COUNT(refused); i++) {
		TELL_AS(call, open_it(refused[i].path, refused[i].flags));
	}
	TELL(open_it(nowhere, O_RDWR));
}

/* Where a mode may be given, a file is made too. */
static void all_create(int (*open_it)(const char *path, int flags))
{
	umask(022);
	TELL(fd = open_it("made", O_RDWR | O_CREAT | O_EXCL));
	write_on("made");
	TELL(fd = open_it("made", O_RDWR | O_CREAT | O_EXCL));
	TELL(fd = open_it(".", O_RDWR | O_TMPFILE));
	TELL(write(fd, "without a name", 14));
	tell_contents(fd);
	struct stat st;
	stat("made", &st);
	say("mode: %o", st.st_mode);
}

#define OPENS(name, call, creates)                                                                 \
	static int open_##name(const char *path, int flags)                                        \
	{                                                                                          \
		return call;                                                                       \
	}                                                                                          \
	void try_##name(void)                                                                      \
	{                                                                                          \
		all_open(#name, open_##name);                                                      \
		if (creates)                                                                       \
			all_create(open_##name);                                                   \
	}

OPENS(open, open(path, flags, 0666), true)
OPENS(open64, open64(path, flags, 0640), true)
OPENS(openat, openat(AT_FDCWD, path, flags, 0604), true)
OPENS(openat64, openat64(AT_FDCWD, path, flags, 0700), true)
OPENS(__open_2, __open_2(path, flags), false)
OPENS(__open64_2, __open64_2(path, flags), false)
OPENS(__openat_2, __openat_2(AT_FDCWD, path, flags), false)
OPENS(__openat64_2, __openat64_2(AT_FDCWD, path, flags), false)
OPENS(creat, creat(path, ((void)flags, 0600)), false)
OPENS(creat64, creat64(path, ((void)flags, 0640)), false)

/* The random part of the name cannot be told. */
static void all_temp(const char *call, const char *ending, int (*make)(char *name))
{
	char name[32], bad[] = "tmp.XXXXX", absent[] = "absent/tmp.XXXXXX";

	snprintf(name, sizeof(name), "tmp.XXXXXX%s", ending);
	errno = UNTOUCHED;
	fd = make(name);
	tell(call, fd);
	say("name: %.4s, %zu, %s", name, strlen(name), name + 10);
	write_on(name);
	rename(name, "file");
	TELL(make(bad));
	TELL(make(absent));
}

#define TEMPS(symbol, ending, call)                                                                \
	static int make_##symbol(char *name)                                                       \
	{                                                                                          \
		return call;                                                                       \
	}                                                                                          \
	void try_##symbol(void)                                                                    \
	{                                                                                          \
		all_temp(#symbol, ending, make_##symbol);                                          \
	}

TEMPS(mkstemp, "", mkstemp(name))
TEMPS(mkstemp64, "", mkstemp64(name))
TEMPS(mkostemp, "", mkostemp(name, O_APPEND))
TEMPS(mkostemp64, "", mkostemp64(name, O_CLOEXEC))
TEMPS(mkstemps, ".end", mkstemps(name, 4))
TEMPS(mkstemps64, ".e", mkstemps64(name, 2))
TEMPS(mkostemps, ".end", mkostemps(name, 4, O_APPEND))
TEMPS(mkostemps64, ".end", mkostemps64(name, 4, O_CLOEXEC))

/* One offset for both, and what was behind the new number is closed. */
static void all_duplicate(const char *call, int (*duplicate)(int from))
{
	int from;

	make_file("file", 100);
	make_file("other", 100);
	from = open("file", O_RDWR | O_APPEND);
	wt_syscall(SYS_dup3, open("other", O_RDWR), FAR, 0);
	errno = UNTOUCHED;
	fd = duplicate(from);
	tell(call, fd);
	TELL(write(from, "before", 6));
	judge("file");
	write_on("file");
	TELL_AS(call, duplicate(-1));
	TELL_AS(call, duplicate(1000));
}

#define DUPLICATE(name, call)                                                                      \
	static int by_##name(int from)                                                             \
	{                                                                                          \
		return call;                                                                       \
	}

DUPLICATE(dup, dup(from))
DUPLICATE(dup2, dup2(from, FAR))
DUPLICATE(dup3, dup3(from, FAR, O_CLOEXEC))
DUPLICATE(fcntl, fcntl(from, F_DUPFD, FAR))
DUPLICATE(fcntl64, fcntl64(from, F_DUPFD_CLOEXEC, FAR))

void try_dup(void)
{
	all_duplicate("dup", by_dup);
}

void try_dup2(void)
{
	all_duplicate("dup2", by_dup2);
	fd = open("other", O_RDWR);
	TELL(dup2(fd, fd));
	TELL(dup2(fd, -1));
	write_on("other");
}

void try_dup3(void)
{
	all_duplicate("dup3", by_dup3);
	fd = open("other", O_RDWR);
	TELL(dup3(fd, fd, 0));
	TELL(dup3(fd, FAR, O_APPEND));
	write_on("other");
}

#define CONTROLS(name)                                                                             \
	void try_##name(void)                                                                      \
	{                                                                                          \
		struct flock lock = { .l_type = F_WRLCK };                                         \
		all_duplicate(#name, by_##name);                                                   \
		fd = open("file", O_RDWR);                                                         \
		TELL(name(fd, F_GETFD));                                                           \
		TELL(name(fd, F_SETFD, FD_CLOEXEC));                                               \
		TELL(name(fd, F_GETFL));                                                           \
		TELL(name(fd, F_SETFL, O_APPEND | O_NONBLOCK));                                    \
		TELL(name(fd, F_GETFL));                                                           \
		TELL(name(fd, F_SETLK, &lock));                                                    \
		TELL(name(fd, F_DUPFD, -1));                                                       \
		TELL(name(fd, 9999, 0));                                                           \
		TELL(name(-1, F_GETFL));                                                           \
		write_on("file");                                                                  \
	}

CONTROLS(fcntl)
CONTROLS(fcntl64)

/* The number is free, and is another file's next. */
static void use_number(int of)
{
	TELL(write(of, "closed", 6));
	fd = open("other", O_RDWR);
	write_on("other");
}

static int written(int to)
{
	make_file("file", 100);
	make_file("other", 100);
	fd = open("file", O_RDWR);
	if (to >= 0) {
		fd = fcntl(fd, F_DUPFD, to);
		close(fd - 1);
	}
	TELL(write(fd, "before it ends", 14));
	judge("file");
	return fd;
}

void try_close(void)
{
	int of = written(-1);

	TELL(close(of));
	use_number(of);
	TELL(close(of));
	TELL(close(-1));
}

void try_close_range(void)
{
	int of = written(FAR);

	TELL(close_range(FAR, FAR + 3, CLOSE_RANGE_CLOEXEC));
	TELL(write(of, "still open", 10));
	judge("file");
	TELL(close_range(FAR - 5, FAR + 3, 0));
	use_number(of);
	of = written(FAR);
	TELL(close_range(FAR, ~0U, CLOSE_RANGE_UNSHARE));
	use_number(of);
	TELL(close_range(9, 8, 0));
	TELL(close_range(9, 10, 99));
}

void try_closefrom(void)
{
	int of = written(FAR);

	TELL_VOID(closefrom(FAR));
	use_number(of);
	of = written(FAR);
	TELL_VOID(closefrom(4));
	use_number(of);
	TELL_VOID(closefrom(1000));
}

/* In a thread: the number that is closed there is still open here. */
static void *in_thread(void *of)
{
	TELL(unshare(CLONE_FILES));
	TELL(close(*(int *)of));
	fd = open("other", O_RDWR);
	write_on("other");
	TELL(unshare(~0));
	return NULL;
}

/* What ends in strict mode is the child's. */
void try_prctl(void)
{
	char name[16] = "";
	int status;

	TELL(prctl(PR_SET_NAME, "named"));
	TELL(prctl(PR_GET_NAME, name));
	TELL(!strcmp(name, "named"));
	TELL(prctl(-1));
	TELL(prctl(PR_SET_SECCOMP, 99));
	pid_t child = fork();
	if (!child) {
		bool confined = !prctl(PR_SET_SECCOMP, SECCOMP_MODE_STRICT);

		syscall(SYS_exit, confined ? 7 : 1);
	}
	TELL(waitpid(child, &status, 0) == child);
	TELL(status);
}

void try_unshare(void)
{
	pthread_t thread;
	int of = written(-1);

	TELL(unshare(CLONE_FILES));
	pthread_create(&thread, NULL, in_thread, &of);
	pthread_join(thread, NULL);
	fd = of;
	write_on("file");
}

/* To a child that has it from nowhere else, and writes there. */
static int receive(int socket)
{
	char room[CMSG_SPACE(sizeof(int))] = { 0 }, byte;
	struct iovec into = { &byte, 1 };
	struct msghdr message = { .msg_iov = &into,
				  .msg_iovlen = 1,
				  .msg_control = room,
				  .msg_controllen = sizeof(room) };

	if (wt_syscall(SYS_recvmsg, socket, &message, 0) != 1)
		return DIFFERS;
	memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&message)), sizeof(fd));
	TELL(write(fd, "received", 8));
	judge("file");
	return 0;
}

static void all_send(const char *call, long (*send_it)(int socket, struct msghdr *message))
{
	union {
		struct cmsghdr header;
		char room[CMSG_SPACE(sizeof(int))];
	} control = { .header = { CMSG_LEN(sizeof(int)), SOL_SOCKET, SCM_RIGHTS } };
	struct iovec byte = { "x", 1 };
	struct msghdr message = { .msg_iov = &byte,
				  .msg_iovlen = 1,
				  .msg_control = &control,
				  .msg_controllen = sizeof(control) };
	int pair[2];

	if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair))
		abort();
	pid_t child = fork();
	if (child == 0)
		_exit(receive(pair[1]));
	make_file("file", 100);
	fd = open("file", O_RDWR | O_APPEND);
	memcpy(CMSG_DATA(&control.header), &fd, sizeof(fd));
	errno = UNTOUCHED;
	long ret = send_it(pair[0], &message);
	int err = errno;
	int status = status_of(child);
	errno = err;
	tell(call, ret);
	say("status %x", status);
	write_on("file");
	memcpy(CMSG_DATA(&control.header), &fd, sizeof(fd));
	TELL_AS(call, send_it(pair[0], &message));
	message.msg_controllen = 0;
	TELL_AS(call, send_it(pair[0], &message));
	TELL_AS(call, send_it(-1, &message));
	TELL_AS(call, send_it(pair[0], NULL));
}

static long by_sendmsg(int socket, struct msghdr *message)
{
	return sendmsg(socket, message, 0);
}

void try_sendmsg(void)
{
	all_send("sendmsg", by_sendmsg);
}

static long by_sendmmsg(int socket, struct msghdr *message)
{
	struct mmsghdr two[2] = { { .msg_hdr = message ? *message : (struct msghdr){ 0 } } };

	two[1] = two[0];
	two[1].msg_hdr.msg_controllen = 0;
	return sendmmsg(socket, message ? two : NULL, 2, 0);
}

void try_sendmmsg(void)
{
	all_send("sendmmsg", by_sendmmsg);
}
