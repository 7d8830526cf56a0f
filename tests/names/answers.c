/* SPDX-License-Identifier: MIT */
/* What must not depend on any library: answers, lock by lock and name by name. */
#include "names.h"

#include <limits.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#define UNTOUCHED 12345
#define BAD ((const char *)16)
#define ASK(call) (errno = UNTOUCHED, answer(#call, (call)))

/* A success must leave errno alone. */
static void answer(const char *call, int ret)
{
	int err = errno;

	printf("%s: ret=%d errno=%d\n", call, ret, err == UNTOUCHED ? 0 : err);
}

static void print_files(const char *when)
{
	static const char *const names[] = { "a.db", "b.db", "n.db", "l.db", "h.db", "d.db" };
	struct stat st;

	printf("%s:", when);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (!lstat(names[i], &st))
			printf(" %s(%o %ld %ld)", names[i], st.st_mode & S_IFMT, (long)st.st_nlink,
			       S_ISREG(st.st_mode) ? (long)st.st_size : 0L);
	printf("\n");
	fflush(stdout);
}

static char long_name[PATH_MAX + 100], long_component[NAME_MAX + 10];

static void names_that_fail(void)
{
	const char *volatile bad = BAD; /* hidden from the compiler */
	int dir = open(".", O_RDONLY | O_DIRECTORY), file = open("a.db", O_RDWR);

	memset(long_name, 'x', sizeof(long_name) - 1);
	memset(long_component, 'x', sizeof(long_component) - 1);
	ASK(rename("gone.db", "n.db"));
	ASK(rename("a.db", "gone/n.db"));
	ASK(rename("a.db", "b.db/n.db"));
	ASK(rename("a.db", "n.db/"));
	ASK(rename("a.db/", "n.db"));
	ASK(rename("a.db", "sub"));
	ASK(rename("sub", "a.db"));
	ASK(rename("sub", "sub/below"));
	ASK(rename("", "n.db"));
	ASK(rename("a.db", ""));
	ASK(rename("a.db", "."));
	ASK(rename(bad, "n.db"));
	ASK(rename("a.db", bad));
	ASK(rename("a.db", NULL));
	ASK(rename(long_name, "n.db"));
	ASK(rename("a.db", long_component));
	ASK(rename("a.db", "/proc/self/n.db"));
	ASK(rename("a.db", "/dev/shm/n.db"));
	ASK(renameat(-5, "a.db", dir, "n.db"));
	ASK(renameat(dir, "a.db", file, "n.db"));
	ASK(renameat2(dir, "a.db", dir, "b.db", RENAME_NOREPLACE));
	ASK(renameat2(dir, "a.db", dir, "gone.db", RENAME_EXCHANGE));
	ASK(renameat2(dir, bad, dir, bad, RENAME_EXCHANGE));
	ASK(renameat2(dir, "a.db", dir, "n.db", 1 << 20));
	ASK(renameat2(dir, "a.db", dir, "b.db", RENAME_EXCHANGE | RENAME_NOREPLACE));
	ASK(link("gone.db", "n.db"));
	ASK(link("a.db", "b.db"));
	ASK(link("sub", "n.db"));
	ASK(link(bad, "n.db"));
	ASK(link("a.db", bad));
	ASK(link("a.db", "/dev/shm/n.db"));
	ASK(linkat(dir, "a.db", dir, "n.db", 1));
	ASK(linkat(dir, "", dir, "n.db", 0));
	ASK(linkat(-5, "", dir, "n.db", AT_EMPTY_PATH));
	ASK(linkat(AT_FDCWD, "", dir, "n.db", AT_EMPTY_PATH));
	ASK(unlink("gone.db"));
	ASK(unlink("sub"));
	ASK(unlink("a.db/"));
	ASK(unlink(""));
	ASK(unlink(bad));
	ASK(unlink(long_name));
	ASK(unlinkat(dir, "sub", 0));
	ASK(unlinkat(dir, "a.db", AT_REMOVEDIR));
	ASK(unlinkat(dir, "a.db", 1));
	ASK(unlinkat(file, "a.db", 0));
	ASK(remove("gone.db"));
	ASK(remove(bad));
	ASK(remove(""));
	print_files("after failures");
}

static void sizes_that_fail(void)
{
	const char *volatile bad = BAD;
	int reader = open("a.db", O_RDONLY), path = open("a.db", O_PATH), ends[2];

	if (pipe(ends))
		exit(2);
	ASK(truncate("gone.db", 1));
	ASK(truncate("sub", 1));
	ASK(truncate("a.db", -1));
	ASK(truncate("a.db", LONG_MAX));
	ASK(truncate("a.db/", 1));
	ASK(truncate(bad, 1));
	ASK(truncate(long_name, 1));
	ASK(truncate("/dev/null", 1));
	ASK(truncate64("gone.db", 1));
	ASK(ftruncate(-1, 1));
	ASK(ftruncate(INT_MAX, 1));
	ASK(ftruncate(reader, 1));
	ASK(ftruncate(path, 1));
	ASK(ftruncate(ends[1], 1));
	ASK(ftruncate(open("a.db", O_WRONLY), -1));
	ASK(ftruncate64(open("sub", O_RDONLY), 1));
	print_files("after failures");
}

/* Links of both kinds, directories, devices, and the same name twice. */
static void odd_names(void)
{
	int dir = open(".", O_RDONLY | O_DIRECTORY);

	ASK(symlink("a.db", "l.db"));
	ASK(truncate("l.db", 300));
	ASK(link("l.db", "n.db"));
	ASK(linkat(dir, "l.db", dir, "h.db", AT_SYMLINK_FOLLOW));
	print_files("linked");
	ASK(rename("h.db", "a.db"));
	ASK(rename("a.db", "a.db"));
	print_files("one file by two names");
	ASK(rename("l.db", "b.db"));
	print_files("a symbolic link over a file");
	ASK(unlink("b.db"));
	ASK(unlink("n.db"));
	ASK(unlink("h.db"));
	ASK(mkdir("d.db", 0700));
	ASK(rename("d.db", "n.db"));
	ASK(renameat2(dir, "n.db", dir, "a.db", RENAME_EXCHANGE));
	print_files("a directory for a file");
	ASK(remove("a.db") ? -1 : (errno = UNTOUCHED, 0)); /* libc tries unlink first */
	ASK(rename("n.db", "a.db"));
	ASK(mkfifo("n.db", 0600));
	ASK(rename("n.db", "d.db"));
	ASK(remove("d.db"));
	print_files("put right");
}

/* A file that has been deleted, a descriptor of no use, a name by /proc. */
static void odd_descriptors(void)
{
	int file = open("a.db", O_RDWR), nameless = open(".", O_TMPFILE | O_RDWR, 0600);
	char path[64];

	ASK(ftruncate(file, 1000));
	ASK(unlink("a.db"));
	ASK(ftruncate(file, 500));
	ASK(linkat(file, "", AT_FDCWD, "a.db", AT_EMPTY_PATH));
	ASK(linkat(nameless, "", AT_FDCWD, "n.db", AT_EMPTY_PATH));
	ASK(ftruncate(nameless, 700));
	snprintf(path, sizeof(path), "/proc/self/fd/%d", nameless);
	ASK(truncate(path, 800));
	ASK(linkat(AT_FDCWD, path, AT_FDCWD, "h.db", AT_SYMLINK_FOLLOW));
	print_files("odd descriptors");
}

/*
 * A number that was just closed is the lowest free one, which a descriptor of a library's own would
 * be given: nothing is to be found there while the call runs.
 */
static void closed_descriptors(void)
{
	int dir = open(".", O_RDONLY | O_DIRECTORY), gone = dup(dir);
	char by_proc[64], below[80];

	close(gone);
	snprintf(by_proc, sizeof(by_proc), "/proc/self/fd/%d", gone);
	snprintf(below, sizeof(below), "/proc/self/fd/%d/n.db", gone);
	ASK(renameat(dir, "a.db", gone, "c.db"));
	ASK(renameat(gone, "a.db", dir, "c.db"));
	ASK(renameat(gone, "a.db", gone, "c.db"));
	ASK(renameat(dir, "a.db", gone, ""));
	ASK(renameat(dir, "a.db", gone, "../c.db"));
	ASK(renameat(dir, "sub", gone, "../c.db"));
	ASK(renameat(dir, "b.db", gone, "a.db"));
	ASK(renameat2(dir, "a.db", gone, "c.db", RENAME_NOREPLACE));
	ASK(renameat2(dir, "a.db", gone, "b.db", RENAME_EXCHANGE));
	ASK(renameat2(gone, "a.db", dir, "b.db", RENAME_EXCHANGE));
	ASK(linkat(dir, "a.db", gone, "c.db", 0));
	ASK(linkat(gone, "a.db", dir, "c.db", 0));
	ASK(linkat(gone, "", dir, "c.db", AT_EMPTY_PATH));
	ASK(linkat(dir, "l.db", gone, "c.db", AT_SYMLINK_FOLLOW));
	ASK(unlinkat(gone, "a.db", 0));
	ASK(unlinkat(gone, "sub", AT_REMOVEDIR));
	ASK(rename("a.db", below));
	ASK(rename(by_proc, "c.db"));
	ASK(link("a.db", below));
	ASK(unlink(below));
	ASK(remove(below));
	ASK(truncate(by_proc, 5));
	ASK(truncate(below, 5));
	ASK(linkat(AT_FDCWD, by_proc, dir, "c.db", AT_SYMLINK_FOLLOW));
	ASK(ftruncate(gone, 5));
	ASK(openat(gone, "a.db", O_RDWR));
	ASK(openat(gone, "a.db", O_RDWR | O_TRUNC));
	ASK(syscall(SYS_renameat2, dir, "a.db", gone, "c.db", 0));
	ASK(syscall(SYS_linkat, dir, "a.db", gone, "c.db", 0));
	ASK(syscall(SYS_unlinkat, gone, "a.db", 0));
	ASK((int)copy_file_range(open("a.db", O_RDONLY), NULL, gone + 1, NULL, 10, 0));
	ASK(dup(dir) - gone);
	print_files("closed descriptors");
}

/* What a vfork child does is done by its own descriptors, in its parent's memory. */
static void in_vfork_child(void)
{
	int status = -1;
	pid_t child;

	make_file("a.db", 100, 'a');
	errno = UNTOUCHED;
	child = vfork();
	if (!child) {
		int ret = rename("a.db", "n.db") || truncate("n.db", 10) || unlink("h.db");

		_exit(ret || errno != UNTOUCHED);
	}
	waitpid(child, &status, 0);
	printf("vfork child: %d\n", status);
	ASK(rename("n.db", "a.db"));
	ASK(open("a.db", O_RDWR) - open("a.db", O_RDWR));
	print_files("after a vfork child");
}

void print_answers(void)
{
	closed_descriptors();
	names_that_fail();
	sizes_that_fail();
	odd_names();
	odd_descriptors();
	in_vfork_child();
}

static void print_lock(const char *call, int ret, const char *name)
{
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
	int status = 0;
	pid_t child = fork();

	if (!child) {
		int fd = open(name, O_RDWR);

		_exit(fd < 0 || fcntl(fd, F_GETLK, &lock) ? 2 : lock.l_type != F_UNLCK);
	}
	waitpid(child, &status, 0);
	printf("%s: ret=%d locked=%d\n", call, ret, WEXITSTATUS(status));
	fflush(stdout);
}

void print_locks(void)
{
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
	int fd = open("a.db", O_RDWR);

	if (fcntl(fd, F_SETLK, &lock))
		exit(2);
	print_lock("truncate", truncate("a.db", 1000), "a.db");
	print_lock("ftruncate", ftruncate(fd, 2000), "a.db");
	print_lock("rename out", rename("a.db", "plain"), "plain");
	print_lock("rename in", rename("plain", "n.db"), "n.db");
	print_lock("link", link("n.db", "h.db"), "n.db");
	print_lock("unlink", unlink("n.db"), "h.db");
	close(open("h.db", O_RDONLY));
	print_lock("open and close", 0, "h.db");
}

static _Atomic int stop;

static void *rename_all_the_time(void *unused)
{
	(void)unused;
	while (!stop)
		if (rename("plain", "other") || link("other", "third") || unlink("third") ||
		    truncate("other", 10) || rename("other", "plain"))
			exit(2);
	return NULL;
}

void print_numbers(void)
{
	int lowest = dup(0), shifted = 0;
	pthread_t thread;

	close(lowest);
	close(make_file("plain", 100, 'p'));
	if (pthread_create(&thread, NULL, rename_all_the_time, NULL))
		exit(2);
	usleep(100000);
	for (int i = 0; i < 100000; i++) {
		int fd = dup(0);

		shifted += fd != lowest;
		close(fd);
	}
	stop = 1;
	pthread_join(thread, NULL);
	printf("shifted=%d\n", shifted);
}
