/* SPDX-License-Identifier: MIT */
/*
 * names - changes the name or the size of a file, in many ways.
 *
 *   names DIR CALL [cut] [free=N] [no-ring]
 *   names DIR answers|locks
 *
 * DIR holds a.db, b.db and a directory `sub`. Prints "CALL: ret=R errno=E". With `cut` the power of
 * the disk (DISK_CTL) goes right after the call has returned; with `free` the process has that
 * many descriptors left; with `no-ring` it is in a sandbox without io_uring.
 */
#include "names.h"

#include <limits.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>

#include "../disk/control.h"

#define FEW_DESCRIPTORS 64
#define UNTOUCHED 12345

int make_file(const char *name, size_t len, char byte)
{
	int fd = open(name, O_RDWR | O_CREAT | O_TRUNC, 0600);
	char *bytes = malloc(len);

	memset(bytes, byte, len);
	if (fd < 0 || write(fd, bytes, len) != (ssize_t)len) {
		perror(name);
		exit(2);
	}
	free(bytes);
	return fd;
}

static int dir, sub, file;
static char whole_path[PATH_MAX];

/* Files that a call is made on, ready before it. */
static void prepare(void)
{
	dir = open(".", O_RDONLY | O_DIRECTORY);
	sub = open("sub", O_RDONLY | O_DIRECTORY);
	file = open("a.db", O_RDWR);
	if (!realpath("a.db", whole_path))
		exit(2);
}

static void prepare_unruled(void)
{
	prepare();
	make_file("plain", 65536, 'p');
}

static void prepare_nameless(void)
{
	char bytes[4096];

	prepare();
	file = open(".", O_TMPFILE | O_RDWR, 0600);
	memset(bytes, 't', sizeof(bytes));
	if (write(file, bytes, sizeof(bytes)) != sizeof(bytes))
		exit(2);
}

/* One that is a single call. */
#define CHANGE(name, call)                                                                         \
	static int do_##name(void)                                                                 \
	{                                                                                          \
		return call;                                                                       \
	}

CHANGE(rename, rename("a.db", "n.db"))
CHANGE(rename_over, rename("a.db", "b.db"))
CHANGE(rename_into_rule, rename("plain", "n.db"))
CHANGE(rename_out_of_rule, rename(whole_path, "./sub/../n.txt"))
CHANGE(renameat, renameat(dir, "a.db", sub, "n.db"))
CHANGE(renameat2, renameat2(dir, "a.db", AT_FDCWD, "sub/n.db", RENAME_NOREPLACE))
CHANGE(exchange, renameat2(AT_FDCWD, "a.db", dir, "b.db", RENAME_EXCHANGE))
CHANGE(exchange_with_unruled, renameat2(AT_FDCWD, "a.db", dir, "plain", RENAME_EXCHANGE))
CHANGE(link, link("a.db", "n.db"))
CHANGE(link_out_of_rule, link("a.db", "sub/n.txt"))
CHANGE(linkat, linkat(dir, "a.db", sub, "n.db", 0))
CHANGE(link_nameless, linkat(file, "", dir, "n.db", AT_EMPTY_PATH))

static int do_link_nameless_by_proc(void)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/self/fd/%d", file);
	return linkat(AT_FDCWD, path, AT_FDCWD, "n.db", AT_SYMLINK_FOLLOW);
}

CHANGE(unlink, unlink("a.db"))
CHANGE(unlinkat, unlinkat(dir, "a.db", 0))
CHANGE(remove, remove("a.db"))
CHANGE(truncate, truncate("a.db", 100))
CHANGE(truncate64, truncate64("a.db", 100000))
CHANGE(ftruncate, ftruncate(file, 100))
CHANGE(ftruncate64, ftruncate64(file, 100000))

/* As with a journal that is emptied, or a log file that is taken up again. */
static int do_open_and_write(void)
{
	int fd = open("a.db", O_WRONLY | O_TRUNC);

	return write(fd, "w", 1) == 1 ? 0 : -1;
}

static int do_create_and_write(void)
{
	int fd = open("sub/n.db", O_WRONLY | O_CREAT | O_EXCL, 0600);

	return write(fd, "w", 1) == 1 ? 0 : -1;
}

static const struct change {
	const char *name;
	int (*make)(void);
	void (*prepare)(void);
} changes[] = {
	{ "rename", do_rename, prepare },
	{ "rename-over", do_rename_over, prepare },
	{ "rename-into-rule", do_rename_into_rule, prepare_unruled },
	{ "rename-out-of-rule", do_rename_out_of_rule, prepare },
	{ "renameat", do_renameat, prepare },
	{ "renameat2", do_renameat2, prepare },
	{ "exchange", do_exchange, prepare },
	{ "exchange-with-unruled", do_exchange_with_unruled, prepare_unruled },
	{ "link", do_link, prepare },
	{ "link-out-of-rule", do_link_out_of_rule, prepare },
	{ "linkat", do_linkat, prepare },
	{ "link-nameless", do_link_nameless, prepare_nameless },
	{ "link-nameless-by-proc", do_link_nameless_by_proc, prepare_nameless },
	{ "unlink", do_unlink, prepare },
	{ "unlinkat", do_unlinkat, prepare },
	{ "remove", do_remove, prepare },
	{ "truncate", do_truncate, prepare },
	{ "truncate64", do_truncate64, prepare },
	{ "ftruncate", do_ftruncate, prepare },
	{ "ftruncate64", do_ftruncate64, prepare },
	{ "open-and-write", do_open_and_write, prepare },
	{ "create-and-write", do_create_and_write, prepare },
};

static void leave_descriptors(int count)
{
	struct rlimit limit = { FEW_DESCRIPTORS, FEW_DESCRIPTORS };
	int last = -1;

	setrlimit(RLIMIT_NOFILE, &limit);
	for (int fd; (fd = dup(0)) >= 0;)
		last = fd;
	while (count-- > 0)
		close(last--);
}

/* io_uring_setup answers ENOSYS, as in many containers. */
static void forbid_ring(void)
{
	struct sock_filter filter[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_io_uring_setup, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSYS),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = { sizeof(filter) / sizeof(filter[0]), filter };

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) ||
	    prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program)) {
		perror("seccomp");
		exit(2);
	}
}

static int make_change(const struct change *change, char **options)
{
	struct disk disk = { .fd = -1 };

	change->prepare();
	for (; *options; options++) {
		if (!strcmp(*options, "cut") && disk_connect(&disk, getenv("DISK_CTL")))
			return 2;
		if (!strncmp(*options, "free=", 5))
			leave_descriptors(atoi(*options + 5));
		if (!strcmp(*options, "no-ring"))
			forbid_ring();
	}
	errno = UNTOUCHED;
	int ret = change->make();
	int err = errno;
	close(0); /* leaves one to say what happened */
	if (disk.fd >= 0 && !disk_command(&disk, "cut keep=0 tear=0"))
		return 2;
	printf("%s: ret=%d errno=%s\n", change->name, ret,
	       ret ? strerrorname_np(err) : (err == UNTOUCHED ? "0" : "touched"));
	return 0;
}

int main(int argc, char **argv)
{
	if (argc < 3 || chdir(argv[1])) {
		fprintf(stderr, "usage: names DIR CALL [cut] [free=N] [no-ring]\n");
		return 2;
	}
	if (!strcmp(argv[2], "answers")) {
		print_answers();
		return 0;
	}
	if (!strcmp(argv[2], "locks")) {
		print_locks();
		return 0;
	}
	if (!strcmp(argv[2], "numbers")) {
		print_numbers();
		return 0;
	}
	for (size_t i = 0; i < sizeof(changes) / sizeof(changes[0]); i++)
		if (!strcmp(changes[i].name, argv[2]))
			return make_change(&changes[i], argv + 3);
	return 2;
}
