/* SPDX-License-Identifier: MIT */
/*
 * openings HOW FILE - writes blocks to the file in one of some ways, and closes it. Prints
 * how often inotify(7) told of the closing of a file that was open for writing before the program
 * began to close it for the last time (`early`), and whether, ten seconds later at most, nobody has
 * it open for writing any more (`free`: a read lease can be had, fcntl(2)).
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <sys/inotify.h>
#include <sys/wait.h>

#include "../lib/probe.h"

#define MANY 20

static const char *path;
static int watch, early, others[MANY];
static char *block;

static int closings(void)
{
	_Alignas(struct inotify_event) char events[65536];
	ssize_t len = read(watch, events, sizeof(events));
	int count = 0;

	for (ssize_t at = 0; at < len;) {
		const struct inotify_event *event = (const void *)(events + at);

		count += (event->mask & IN_CLOSE_WRITE) != 0;
		at += sizeof(*event) + event->len;
	}
	return count;
}

static int opened(int flags)
{
	int fd = open(path, O_RDWR | flags, 0600);

	must(fd >= 0, path);
	return fd;
}

static void put(int fd)
{
	must(pwrite(fd, block, PROBE_BLOCK, 0) == PROBE_BLOCK, "pwrite");
	early += closings();
}

/* Another description's closing is told without libwt too. */
static void closes(int fd)
{
	close(fd);
	early += closings() - 1;
}

static void *write_once(void *fd)
{
	put(*(int *)fd);
	return NULL;
}

static void *write_and_stay(void *fd)
{
	put(*(int *)fd);
	pause();
	return NULL;
}

static void in_threads(int fd, int count)
{
	pthread_t thread;

	for (int i = 0; i < count; i++) {
		must(!pthread_create(&thread, NULL, write_once, &fd), "pthread_create");
		pthread_join(thread, NULL);
		early += closings();
	}
}

static void *others_write(void *unused)
{
	(void)unused;
	for (int i = 0; i < MANY; i++)
		must(pwrite(others[i], block, PROBE_BLOCK, 0) == PROBE_BLOCK, "pwrite");
	return NULL;
}

static void among_many(int fd)
{
	char name[4096];

	put(fd);
	for (int i = 0; i < MANY; i++) {
		snprintf(name, sizeof(name), "%s.%d", path, i);
		others[i] = open(name, O_RDWR | O_CREAT, 0600);
		must(others[i] >= 0, name);
	}
	others_write(NULL);
	early += closings();
	put(fd);
}

static void by_dup(int fd, const char *how)
{
	int copy = dup(fd);

	put(fd);
	put(copy);
	if (!strcmp(how, "dup-over"))
		dup2(0, copy);
	else if (!strcmp(how, "dup-range"))
		must(!close_range(copy, copy, 0), "close_range");
	else
		close(copy);
	early += closings();
	put(fd);
}

static void twice(int fd)
{
	int other = opened(0);

	put(fd);
	put(other);
	closes(other);
	put(fd);
}

static void renamed(int fd)
{
	char name[4096];

	snprintf(name, sizeof(name), "%s.new", path);
	put(fd);
	must(!rename(path, name), "rename");
	must(!ftruncate(fd, 2 * PROBE_BLOCK), "ftruncate");
	put(fd);
	must(!rename(name, path), "rename");
	early += closings();
}

static void around_child(int fd, bool by_vfork)
{
	pid_t child = by_vfork ? (put(fd), vfork()) : (put(fd), fork());

	if (!child) {
		close(fd);
		_exit(0);
	}
	waitpid(child, NULL, 0);
	early += closings();
	put(fd);
}

static void act(const char *how, int fd)
{
	static int given;
	pthread_t thread;

	given = fd;
	if (!strcmp(how, "thread"))
		in_threads(fd, 1);
	else if (!strcmp(how, "threads"))
		in_threads(fd, 12);
	else if (!strcmp(how, "many"))
		among_many(fd);
	else if (!strncmp(how, "dup", 3))
		by_dup(fd, how);
	else if (!strcmp(how, "twice"))
		twice(fd);
	else if (!strcmp(how, "renamed"))
		renamed(fd);
	else if (!strcmp(how, "fork") || !strcmp(how, "vfork"))
		around_child(fd, *how == 'v');
	else if (!strcmp(how, "handed") || !strcmp(how, "executable")) {
		must(!pthread_create(&thread, NULL, write_and_stay, &given), "pthread_create");
		usleep(200000);
	} else {
		put(fd);
		put(fd);
	}
}

static bool is_free(void)
{
	int fd = open(path, O_RDONLY);
	bool had = false;

	for (int i = 0; i < 10000 && !had; i++) {
		had = !fcntl(fd, F_SETLEASE, F_RDLCK);
		if (!had)
			usleep(1000);
	}
	close(fd);
	return had;
}

int main(int argc, char **argv)
{
	if (argc < 3)
		return 2;
	path = argv[2];
	block = aligned_alloc(PROBE_BLOCK, PROBE_BLOCK);
	memset(block, 'x', PROBE_BLOCK);
	int fd = opened(O_CREAT | O_TRUNC);
	if (!strcmp(argv[1], "executable"))
		must(!fchmod(fd, 0755), "fchmod");
	watch = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
	must(inotify_add_watch(watch, path, IN_CLOSE_WRITE) >= 0, "inotify");
	act(argv[1], fd);
	early += closings();
	if (!strcmp(argv[1], "range"))
		close_range(fd, fd, 0);
	else if (!strcmp(argv[1], "over"))
		dup2(0, fd);
	else
		close(fd);
	int late = closings();
	printf("early=%d late=%d free=%d\n", early, late > 0, is_free());
	return 0;
}
