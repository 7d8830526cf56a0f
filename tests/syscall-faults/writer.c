/* SPDX-License-Identifier: MIT */
/*
 * The program under test: threads that write to one descriptor by plain libc calls, and wait after
 * each for somebody to look at what it did. They make no other system call that could be struck
 * between the first open and the close.
 */
#include "syscall_faults.h"

#include <fcntl.h>
#include <pthread.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

static const struct method methods[] = {
	/* Each thread has a region of its own, so that not even a large folio is shared. */
	{ "pwrite", AT_REGION, ALLOCATED, 4096, 4096, 0, 8 },
	{ "odd", AT_REGION, ALLOCATED, 1000, 8192, 100, 8 },
	{ "skewed", AT_REGION, ALLOCATED, 8192, 8192, 0, 8 },
	{ "pwritev", AT_REGION, ALLOCATED, 8192, 8192, 0, 8 },
	{ "pwritev2", AT_REGION, ALLOCATED, 4096, 4096, 0, 8 },
	{ "own-dsync", AT_REGION, ALLOCATED, 4096, 4096, 0, 8 },
	{ "large", AT_REGION, ALLOCATED, 5UL << 18, 5UL << 18, 0, 1 },
	{ "hole", AT_REGION, SPARSE, 4096, 1UL << 16, 0, 8 },
	{ "extend", AT_REGION, EMPTY, 4096, 4096, 0, 8 },
	{ "write", AT_CURRENT, EMPTY, 4096, 0, 0, 8 },
	{ "writev", AT_CURRENT, EMPTY, 4096, 0, 0, 8 },
	{ "append", AT_END, EMPTY, 4096, 0, 0, 8 },
	{ "appendv", AT_END, EMPTY, 5000, 0, 0, 8 },
	{ "pappend", AT_END, EMPTY, 4096, 0, 0, 8 },
	{ "create", AT_NAME, EMPTY, 4096, 0, 0, 4 },
	{ "rename", AT_NAME, EMPTY, 4096, 0, 0, 4 },
	{ "unlink", AT_NAME, EMPTY, 4096, 0, 0, 4 },
	{ "resize", AT_NAME, EMPTY, 4096, 0, 0, 4 },
};

const struct method *method_of(const char *name)
{
	for (size_t i = 0; i < COUNT(methods); i++)
		if (!strcmp(methods[i].name, name))
			return &methods[i];
	return NULL;
}

uint64_t place_of(const struct method *method, int thread, int seq)
{
	return thread * REGION + seq * method->stride + method->skew;
}

void name_of(char *path, size_t room, const char *base, uint64_t id, int thread, int seq)
{
	snprintf(path, room, "%s.%lu.%d.%d.db", base, id, thread, seq);
}

off_t size_of(int seq)
{
	return 65536 + seq * 4096;
}

/* No two records alike, in this case or another, from the first word on; no byte is zero. */
void fill(char *bytes, size_t len, uint64_t id, int thread, int seq)
{
	uint64_t state = ((id << 16 | thread << 8 | seq) + 1) * 0x9e3779b97f4a7c15ULL;

	for (size_t i = 0; i < len; i += sizeof(state)) {
		state ^= state << 13;
		state ^= state >> 7;
		state ^= state << 17;
		uint64_t word = state | 0x0101010101010101ULL;
		memcpy(bytes + i, &word, len - i < sizeof(word) ? len - i : sizeof(word));
	}
}

static struct {
	const struct method *method;
	const char *path;
	uint64_t id;
	int threads;
	int count;
	int fd;
	pthread_barrier_t ready; /* a thread's start makes system calls of its own */
	pthread_barrier_t opened;
	pthread_barrier_t written;
	pthread_barrier_t ended;
	char *bytes[THREADS_MAX];
} my;

static void tell(enum kind kind, int thread, int seq, int64_t ret)
{
	struct message message = { kind, thread, seq, ret < 0 ? errno : 0, ret };
	char word;

	if (send(FIRST_SOCKET + thread, &message, sizeof(message), MSG_NOSIGNAL) < 0 ||
	    recv(FIRST_SOCKET + thread, &word, 1, 0) != 1)
		_exit(3);
}

static ssize_t write_new(const char *path, const char *bytes, size_t len)
{
	int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	ssize_t ret = fd < 0 ? -1 : write(fd, bytes, len);

	return fd >= 0 && close(fd) ? -1 : ret;
}

static ssize_t name_once(int thread, int seq)
{
	const char *name = my.method->name;
	char path[600], other[620];

	name_of(path, sizeof(path), my.path, my.id, thread, seq);
	snprintf(other, sizeof(other), "%s.new", path);
	fill(my.bytes[thread], my.method->len, my.id, thread, seq);
	if (!strcmp(name, "unlink"))
		return unlink(path) ? -1 : 1;
	if (!strcmp(name, "resize"))
		return ftruncate(my.fd, size_of(seq)) ? -1 : 1;
	if (!strcmp(name, "create"))
		return write_new(path, my.bytes[thread], my.method->len);
	ssize_t ret = write_new(other, my.bytes[thread], my.method->len);
	return ret < 0 || rename(other, path) ? -1 : ret;
}

static ssize_t write_once(int thread, int seq)
{
	const struct method *method = my.method;
	const char *name = method->name;
	char *bytes = my.bytes[thread] + (strcmp(name, "skewed") ? 0 : 24);
	size_t len = method->len;
	off_t offset = place_of(method, thread, seq);
	struct iovec iov[3] = { { bytes, 1001 },
				{ bytes + 1001, 2000 },
				{ bytes + 3001, len - 3001 } };

	fill(bytes, len, my.id, thread, seq);
	if (!strcmp(name, "pwritev"))
		return pwritev(my.fd, iov, 3, offset);
	if (!strcmp(name, "pwritev2"))
		return pwritev2(my.fd, iov, 3, offset, 0);
	if (!strcmp(name, "own-dsync"))
		return pwritev2(my.fd, iov, 3, offset, RWF_DSYNC);
	if (!strcmp(name, "writev") || !strcmp(name, "appendv"))
		return writev(my.fd, iov, 3);
	if (!strcmp(name, "pappend"))
		return pwrite(my.fd, bytes, len, 0);
	if (method->place != AT_REGION)
		return write(my.fd, bytes, len);
	return pwrite(my.fd, bytes, len, offset);
}

static void write_all(int thread)
{
	for (int seq = 0; seq < my.count; seq++)
		tell(WROTE, thread, seq,
		     my.method->place == AT_NAME ? name_once(thread, seq)
						 : write_once(thread, seq));
}

static void *write_beside(void *number)
{
	pthread_barrier_wait(&my.ready);
	pthread_barrier_wait(&my.opened);
	if (my.fd >= 0)
		write_all((intptr_t)number);
	pthread_barrier_wait(&my.written);
	pthread_barrier_wait(&my.ended); /* and so does its end */
	return NULL;
}

static void open_write_close(void)
{
	int append = my.method->place == AT_END ? O_APPEND : 0;

	pthread_barrier_wait(&my.ready);
	tell(BEGIN, 0, 0, 0);
	my.fd = open(my.path, O_RDWR | append | O_CLOEXEC);
	pthread_barrier_wait(&my.opened);
	if (my.fd < 0)
		tell(WROTE, 0, 0, -1);
	else
		write_all(0);
	pthread_barrier_wait(&my.written);
	if (my.fd >= 0) {
		/* It would make names stable that are not its business. */
		if (my.method->place != AT_NAME)
			tell(SYNCED, 0, 0, fsync(my.fd));
		tell(CLOSED, 0, 0, close(my.fd));
	}
	tell(END, 0, 0, 0);
	pthread_barrier_wait(&my.ended);
}

/* PATH METHOD THREADS COUNT ID */
int writer(char **argv)
{
	pthread_t threads[THREADS_MAX];

	my.path = argv[0];
	my.method = method_of(argv[1]);
	my.threads = atoi(argv[2]);
	my.count = atoi(argv[3]);
	my.id = strtoull(argv[4], NULL, 10);
	pthread_barrier_init(&my.ready, NULL, my.threads);
	pthread_barrier_init(&my.opened, NULL, my.threads);
	pthread_barrier_init(&my.written, NULL, my.threads);
	pthread_barrier_init(&my.ended, NULL, my.threads);
	for (int i = 0; i < my.threads; i++) {
		if (posix_memalign((void **)&my.bytes[i], 4096, my.method->len + 4096))
			return 4;
		memset(my.bytes[i], 0, my.method->len + 4096);
	}
	for (intptr_t i = 1; i < my.threads; i++)
		if (pthread_create(&threads[i], NULL, write_beside, (void *)i))
			return 5;
	open_write_close();
	for (int i = 1; i < my.threads; i++)
		pthread_join(threads[i], NULL);
	return 0;
}
