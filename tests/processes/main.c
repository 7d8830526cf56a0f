/* SPDX-License-Identifier: MIT */
/*
 * processes - writes a file as programs of bad habits do.
 *
 *   processes HABIT FILE [ARGUMENT...]
 *
 * Prints facts: pages= of the files that it wrote, those dirty= or under writeback after the last
 * call has returned, descriptors leaked=, and what the habit has to say. Ends with 0, with 77 and a
 * line where this machine does not let it, or with 2 and a line where anything failed.
 */
#include "processes.h"

#include <libgen.h>
#include <sys/wait.h>

#define FILES_MAX 300
#define DESCRIPTORS 4096

static struct {
	char name[64];
	unsigned int pages; /* 0: all */
} files[FILES_MAX];
static size_t files_len;

void cannot(const char *what)
{
	printf("this machine: %s: %s\n", what, strerror(errno));
	fflush(stdout);
	_exit(77);
}

void judge_pages_of(const char *file, unsigned int pages)
{
	size_t i = 0;

	while (i < files_len && strcmp(files[i].name, file))
		i++;
	must(i < FILES_MAX, "too many files");
	snprintf(files[i].name, sizeof(files[i].name), "%s", file);
	files[i].pages = pages;
	files_len += i == files_len;
}

int open_file(const char *file)
{
	int fd = open(file, O_RDWR | O_CREAT, 0600);

	must(fd >= 0, file);
	judge_pages_of(file, 0);
	return fd;
}

void write_page(int fd, unsigned int page)
{
	static _Thread_local char bytes[PROBE_BLOCK] __attribute__((aligned(PROBE_BLOCK)));

	memset(bytes, 'a' + page % 26, sizeof(bytes));
	must(pwrite(fd, bytes, sizeof(bytes), page * (off_t)sizeof(bytes)) == sizeof(bytes),
	     "pwrite");
}

void wait_for(pid_t child)
{
	int status;

	must(child > 0, "a child");
	must(waitpid(child, &status, 0) == child, "waitpid");
	if (WIFEXITED(status) && WEXITSTATUS(status) == 77)
		_exit(77);
	must(!status, "a child's status");
}

void print_facts(void)
{
	uint64_t pages = 0, dirty = 0;

	for (size_t i = 0; i < files_len; i++) {
		struct probe_cache cache = { 0 };
		int fd = probe_open(files[i].name, O_RDONLY);

		must(fd >= 0, files[i].name);
		must(!probe_cachestat(fd, 0, files[i].pages * PROBE_BLOCK, &cache), "cachestat");
		pages += cache.cached;
		dirty += cache.dirty + cache.writeback;
		probe_close(fd);
		must(!syscall(SYS_unlinkat, AT_FDCWD, files[i].name, 0), "unlink");
	}
	printf("pages=%ju dirty=%ju\n", (uintmax_t)pages, (uintmax_t)dirty);
	fflush(stdout);
}

char **program_of(const char *habit, const char *file, const char *argument)
{
	static const char *argv[5];

	argv[0] = "processes";
	argv[1] = habit;
	argv[2] = file;
	argv[3] = argument;
	return (char **)argv;
}

static void look(bool open[DESCRIPTORS])
{
	for (int fd = 0; fd < DESCRIPTORS; fd++)
		open[fd] = syscall(SYS_fcntl, fd, F_GETFD) >= 0;
}

static const struct habit *find(const char *name)
{
	static const struct habit *const lists[] = { fork_habits, fd_habits, rights_habits,
						     exec_habits };

	for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++)
		for (const struct habit *habit = lists[i]; habit->name; habit++)
			if (!strcmp(habit->name, name))
				return habit;
	return NULL;
}

int main(int argc, char **argv)
{
	static bool before[DESCRIPTORS], after[DESCRIPTORS];
	const struct habit *habit = argc > 2 ? find(argv[1]) : NULL;
	int leaked = 0;

	if (!habit) {
		fprintf(stderr, "usage: processes HABIT FILE [ARGUMENT...]\n");
		return 2;
	}
	alarm(300);
	/* By its name alone it is found after a chroot too. */
	char *dir = strdup(argv[2]), *file = basename(strdup(argv[2]));
	must(!chdir(dirname(dir)), dir);
	look(before);
	habit->run(file, argv + 3);
	look(after);
	for (int fd = 0; fd < DESCRIPTORS; fd++)
		leaked += after[fd] && !before[fd];
	printf("leaked=%d ", leaked);
	print_facts();
	return 0;
}
