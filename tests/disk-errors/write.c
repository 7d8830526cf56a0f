/* SPDX-License-Identifier: MIT */
/*
 * The writers. Each starts with the others, makes its writes one after the other, and notes on the
 * board what they returned. Afterwards, when told to, every open file description is asked twice by
 * fsync what it has heard of.
 */
#include "disk_errors.h"

#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/uio.h>
#include <sys/wait.h>

static struct plan plan;
static struct board *board;
static int streams[STREAMS_MAX];
static int watchers[2];
static int say_fd;

static void say(char what)
{
	if (write(say_fd, &what, 1) != 1)
		_exit(4);
}

static char hear(int fd)
{
	char what;

	return read(fd, &what, 1) == 1 ? what : SAY_QUIT;
}

static ssize_t call(const struct deed *deed, int fd, char *bytes)
{
	size_t third = deed->length / 3;
	struct iovec iov[3] = { { bytes, third },
				{ bytes + third, third },
				{ bytes + 2 * third, deed->length - 2 * third } };

	switch (deed->call) {
	case PWRITE:
		return pwrite(fd, bytes, deed->length, deed->at < 0 ? 0 : deed->at);
	case PWRITEV:
		return pwritev(fd, iov, COUNT(iov), deed->at < 0 ? 0 : deed->at);
	case PWRITEV2:
		return pwritev2(fd, iov, COUNT(iov), deed->at < 0 ? 0 : deed->at, 0);
	case WRITE:
		return write(fd, bytes, deed->length);
	default:
		return writev(fd, iov, COUNT(iov));
	}
}

static void write_all(int number)
{
	const struct writer *writer = &plan.writer[number];
	int fd = streams[writer->stream];
	char *memory[WRITES_MAX] = { NULL };

	if (writer->dup)
		fd = dup(fd);
	for (int i = 0; i < plan.writes; i++) {
		const struct deed *deed = &plan.deed[i];

		if (deed->writer != number)
			continue;
		if (posix_memalign((void **)&memory[i], BLOCK, deed->skew + deed->length))
			die("memory");
		plan_fill(&plan, i, memory[i] + deed->skew, 0, deed->length);
	}
	pthread_barrier_wait(&board->start);
	for (int i = 0; i < plan.writes; i++) {
		struct result result = { .begun_ns = now_ns() };

		if (!memory[i])
			continue;
		errno = 0;
		result.ret = call(&plan.deed[i], fd, memory[i] + plan.deed[i].skew);
		result.err = errno;
		result.returned_ns = now_ns();
		board->result[i] = result;
		say(SAY_WROTE);
		free(memory[i]);
	}
	if (writer->dup)
		close(fd);
}

static void *thread_main(void *number)
{
	write_all((intptr_t)number);
	return NULL;
}

static pid_t start_process(void)
{
	pid_t child = fork();

	if (child < 0)
		die("fork");
	if (child == 0)
		prctl(PR_SET_PDEATHSIG, SIGKILL);
	return child;
}

/* Processes first: a fork beside running threads is another matter. */
static void run_writers(void)
{
	pthread_t threads[WRITERS_MAX];
	pid_t children[WRITERS_MAX] = { 0 };
	pthread_barrierattr_t attribute;

	pthread_barrierattr_init(&attribute);
	pthread_barrierattr_setpshared(&attribute, PTHREAD_PROCESS_SHARED);
	pthread_barrier_init(&board->start, &attribute, plan.writers);
	for (int i = 0; i < plan.writers; i++) {
		if (!plan.writer[i].forked)
			continue;
		children[i] = start_process();
		if (children[i] == 0) {
			write_all(i);
			_exit(0);
		}
	}
	for (intptr_t i = 0; i < plan.writers; i++)
		if (!children[i] && pthread_create(&threads[i], NULL, thread_main, (void *)i))
			die("pthread_create");
	for (int i = 0; i < plan.writers; i++)
		if (!children[i])
			pthread_join(threads[i], NULL);
		else
			waitpid(children[i], NULL, 0);
}

static int sync_once(int fd)
{
	return (plan.datasync ? fdatasync(fd) : fsync(fd)) ? errno : 0;
}

/* The second time by a duplicate: who was told is the description, not the descriptor. */
static void ask(struct told *told, int fd)
{
	int second = dup(fd);

	told->first = sync_once(fd);
	told->again = sync_once(second);
	told->asked = true;
	close(second);
}

static void ask_all(void)
{
	struct dice dice = { .seed = plan.seed + 1 };
	int count = plan.streams + COUNT(watchers);
	int begin = below(&dice, count);

	for (int i = 0; i < count; i++) {
		int which = (begin + i) % count;

		if (which < plan.streams)
			ask(&board->told[which], streams[which]);
		else
			ask(&board->told[STREAMS_MAX + which - plan.streams],
			    watchers[which - plan.streams]);
	}
}

static void ask_here_or_in_a_child(void)
{
	pid_t child = plan.child_syncs ? start_process() : 0;

	if (child) {
		waitpid(child, NULL, 0);
		return;
	}
	ask_all();
	if (plan.child_syncs)
		_exit(0);
}

/* Another process, with the file open since before the first write. */
static void be_a_stranger(const char *path, int ready, int wake)
{
	int fd = open(path, O_RDWR | O_CLOEXEC);
	char what = SAY_DONE;

	if (fd < 0 || write(ready, &what, 1) != 1)
		_exit(4);
	if (hear(wake) == SAY_SYNC)
		ask(&board->told[STREAMS_MAX + 2], fd);
	_exit(0);
}

static pid_t start_stranger(const char *path, int *wake)
{
	int ready[2], control[2];
	pid_t child;

	if (!plan.stranger)
		return 0;
	if (pipe2(ready, O_CLOEXEC) || pipe2(control, O_CLOEXEC))
		die("pipe");
	child = start_process();
	if (child == 0) {
		close(control[1]);
		be_a_stranger(path, ready[1], control[0]);
	}
	close(ready[1]);
	close(control[0]);
	if (hear(ready[0]) != SAY_DONE)
		die("the stranger");
	close(ready[0]);
	*wake = control[1];
	return child;
}

static void open_all(const char *path, int flags)
{
	flags |= O_RDWR | O_CLOEXEC | (plan.style == APPENDED ? O_APPEND : 0);
	for (int i = 0; i < plan.streams; i++) {
		streams[i] = open(path, flags);
		if (streams[i] < 0 ||
		    (plan.style == STREAMED && lseek(streams[i], i * plan.area, SEEK_SET) < 0))
			die(path);
	}
	watchers[0] = open(path, O_RDWR | O_CLOEXEC);
	watchers[1] = open(path, O_RDONLY | O_CLOEXEC);
	if (watchers[0] < 0 || watchers[1] < 0)
		die(path);
}

/* SEED BOARD IN OUT FILE, FILE after "O_DSYNC" if it is to be opened so. */
int write_main(int argc, char **argv)
{
	bool dsync = argc > 0 && !strcmp(argv[0], "O_DSYNC");
	int hear_fd, wake = -1;
	pid_t stranger;

	argc -= dsync;
	argv += dsync;
	if (argc != 5)
		return 2;
	plan_make(&plan, strtoull(argv[0], NULL, 10));
	board = mmap(NULL, sizeof(*board), PROT_READ | PROT_WRITE, MAP_SHARED, atoi(argv[1]), 0);
	if (board == MAP_FAILED)
		die("the board");
	close(atoi(argv[1]));
	hear_fd = atoi(argv[2]);
	say_fd = atoi(argv[3]);
	stranger = start_stranger(argv[4], &wake);
	open_all(argv[4], dsync ? O_DSYNC : 0);
	run_writers();
	say(SAY_DONE);
	if (hear(hear_fd) == SAY_SYNC) {
		ask_here_or_in_a_child();
		if (stranger && write(wake, &(char){ SAY_SYNC }, 1) != 1)
			die("the stranger");
	}
	if (stranger) {
		close(wake);
		waitpid(stranger, NULL, 0);
	}
	return 0;
}
