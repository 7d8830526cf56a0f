/* SPDX-License-Identifier: MIT */
/*
 * differential files SEED OPS DIR - does OPS random file operations in DIR, all decided by SEED,
 * and prints what each returned, errno, and what the kernel then says of the descriptor; in between
 * and at the end, the size and a digest of every file there.
 *
 * differential all FIRST COUNT OPS DIR - the same for COUNT programs, from seed FIRST on, each a
 * process of its own in a directory of its own, with streams and all other ways to write among the
 * operations. The files are looked at when the program has ended. Lines that begin with a tilde
 * tell what was dirty when, and are no part of the trace.
 *
 * differential MIX SEED OPS DIR PREFIX FD... is how it starts itself, to inherit descriptors.
 */
#include "differential.h"
#include <dirent.h>
#include <poll.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>

#define OPS_BETWEEN_CHECKS 64
#define OPS_OF_A_CHILD 24
#define HANGING_MS 30000

static char *const mix_names[MIXES] = { "files", "all" };

static void run_ops(long count);

static void start_again(uint64_t seed, long ops)
{
	char texts[SLOTS + 2][24];
	char *argv[SLOTS + 7] = {
		"differential", mix_names[my.mix], texts[SLOTS], texts[SLOTS + 1], ".", my.prefix
	};

	snprintf(texts[SLOTS], sizeof(texts[0]), "%llu", (unsigned long long)seed);
	snprintf(texts[SLOTS + 1], sizeof(texts[0]), "%ld", ops);
	for (int i = 0; i < SLOTS; i++) {
		snprintf(texts[i], sizeof(texts[0]), "%d", my.slots[i]);
		argv[6 + i] = texts[i];
	}
	execv("/proc/self/exe", argv);
	perror("differential: exec");
	_exit(3);
}

static void live_as_child(int way, uint64_t seed, long ops)
{
	snprintf(my.prefix, sizeof(my.prefix), "%ld/", my.op);
	if (way == 0)
		start_again(seed, ops);
	my.seed = seed;
	aio_is_lost = aio_was_used;
	run_ops(ops);
	if (way == 1)
		_exit(0);
	exit(0);
}

/* A child shares offsets and flags with its parent, but has descriptors of its own. */
static void op_child(struct rng *rng)
{
	uint64_t seed = draw(rng);
	long ops = 1 + below(rng, OPS_OF_A_CHILD);
	int way = below(rng, 3);
	int status = 0;
	pid_t child;

	if (my.prefix[0])
		return;
	child = fork();
	if (child == 0)
		live_as_child(way, seed, ops);
	waitpid(child, &status, 0);
	trace(status, "child by %d", way);
}

static long borrow_memory(int from, int to, int closed, size_t len)
{
	int status = 0;
	pid_t child = vfork();

	if (child == 0) {
		if (to > STDERR_FILENO)
			dup2(from, to);
		close(closed);
		write(to, pool, len);
		_exit(0);
	}
	waitpid(child, &status, 0);
	return status;
}

/* A vfork child has descriptors of its own in its parent's memory: what it closes stays open. */
static void op_vfork(struct rng *rng)
{
	int from = any_fd(rng);
	int to = any_fd(rng);
	int closed = any_fd(rng);
	size_t len = below(rng, 3) * 4096;
	off_t offset = below(rng, LAST_OFFSET / 4096) * 4096;

	trace_fd(to, TRY(borrow_memory(from, to, closed, len)), "vfork: dup2 %d %d, close %d", from,
		 to, closed);
	trace_fd(closed, TRY(pwrite(closed, pool, len, offset)), "pwrite %d %zu@%ld", closed, len,
		 offset);
	trace_fd(to, TRY(pwrite(to, pool + 4096, len, offset)), "pwrite %d %zu@%ld", to, len,
		 offset);
}

/* What finds faults in a thousand operations on files is left as it is, seed by seed. */
static const struct operation {
	void (*run)(struct rng *rng);
	unsigned int weight[MIXES];
} operations[] = {
	{ op_write, { 160, 40 } },	 { op_read, { 24, 4 } },
	{ op_lseek, { 16, 8 } },	 { op_truncate, { 12, 5 } },
	{ op_fallocate, { 6, 3 } },	 { op_sync, { 12, 3 } },
	{ op_open, { 60, 40 } },	 { op_mkstemp, { 6, 3 } },
	{ op_special, { 5, 3 } },	 { op_stream, { 6, 2 } },
	{ op_close, { 8, 6 } },		 { op_dup, { 20, 12 } },
	{ op_fcntl, { 16, 8 } },	 { op_lock, { 4, 1 } },
	{ op_crowd, { 2, 1 } },		 { op_name, { 12, 6 } },
	{ op_child, { 3, 6 } },		 { op_vfork, { 4, 2 } },
	{ op_crew, { 4, 2 } },		 { op_write_far, { 4, 2 } },
	{ op_close_range, { 2, 1 } },	 { op_stream_open, { 0, 50 } },
	{ op_stream_reopen, { 0, 10 } }, { op_stream_put, { 0, 120 } },
	{ op_stream_print, { 0, 60 } },	 { op_stream_get, { 0, 30 } },
	{ op_stream_seek, { 0, 30 } },	 { op_stream_flush, { 0, 24 } },
	{ op_stream_buffer, { 0, 12 } }, { op_stream_close, { 0, 10 } },
	{ op_stream_memory, { 0, 2 } },	 { op_stream_pipe, { 0, 1 } },
	{ op_print, { 0, 10 } },	 { op_copy, { 0, 16 } },
	{ op_allocate, { 0, 8 } },	 { op_aio, { 0, 10 } },
	{ op_syscall, { 0, 10 } },	 { op_map, { 0, 3 } },
	{ op_signal, { 0, 6 } },
};

static void run_op(uint64_t number)
{
	struct rng rng = rng_of(my.seed, number);
	unsigned int total = 0;
	unsigned int at;
	size_t i = 0;

	for (size_t k = 0; k < COUNT(operations); k++)
		total += operations[k].weight[my.mix];
	for (at = below(&rng, total); at >= operations[i].weight[my.mix]; i++)
		at -= operations[i].weight[my.mix];
	operations[i].run(&rng);
}

static void run_ops(long count)
{
	for (my.op = 1; my.op <= count; my.op++) {
		run_op(my.op);
		look_for_dirt_by_name();
		if (my.op % OPS_BETWEEN_CHECKS == 0)
			trace_files();
	}
	if (my.mix == ALL)
		trace_descriptors();
	else
		trace_files();
}

static void enter_dir(const char *dir)
{
	if (chdir(dir) || !getcwd(my.dir, sizeof(my.dir))) {
		perror(dir);
		exit(2);
	}
}

static void run_program(uint64_t seed, long ops, const char *dir)
{
	my.seed = seed;
	enter_dir(dir);
	if (!my.prefix[0] && symlink(".", "via"))
		perror("differential: via");
	run_ops(ops);
}

/* The program and all that it started have some time, then they are ended. */
static void wait_for_program(pid_t child)
{
	struct pollfd end = { .fd = wt_syscall(SYS_pidfd_open, child, 0), .events = POLLIN };
	int status = 0;

	if (poll(&end, 1, HANGING_MS) != 1) {
		say("hangs");
		kill(-child, SIGKILL);
	}
	waitpid(child, &status, 0);
	wt_syscall(SYS_close, end.fd);
	say("ends with %#x", status);
}

/* Past any library, which may make removals stable one by one. */
static void remove_files(void)
{
	struct dirent **entries;
	int count = scandir(".", &entries, NULL, NULL);

	while (count > 0) {
		wt_syscall(SYS_unlinkat, AT_FDCWD, entries[--count]->d_name, 0);
		free(entries[count]);
	}
	free(entries);
}

static void try_program(uint64_t seed, long ops, const char *dir)
{
	char name[32];
	pid_t child;

	snprintf(name, sizeof(name), "%llu", (unsigned long long)seed);
	say("program %s", name);
	enter_dir(dir);
	if (mkdir(name, 0755)) {
		perror(name);
		exit(2);
	}
	child = fork();
	if (child == 0) {
		setpgid(0, 0);
		run_program(seed, ops, name);
		exit(0);
	}
	setpgid(child, child);
	wait_for_program(child);
	enter_dir(name);
	trace_files_at_the_end();
	remove_files();
	enter_dir(dir);
	wt_syscall(SYS_unlinkat, AT_FDCWD, name, AT_REMOVEDIR);
}

static int usage(void)
{
	fprintf(stderr, "usage: differential files SEED OPS DIR\n"
			"       differential all FIRST COUNT OPS DIR\n");
	return 2;
}

int main(int argc, char **argv)
{
	uint64_t seed = argc > 2 ? strtoull(argv[2], NULL, 0) : 0;

	if (argc < 5)
		return usage();
	my.mix = strcmp(argv[1], mix_names[ALL]) ? FILES : ALL;
	my.looks_for_dirt = my.mix == ALL;
	my.is_tame = *(getenv("DIFFERENTIAL_TAME") ?: "") != '\0';
	for (int i = 0; i < SLOTS; i++)
		my.slots[i] = 6 + i < argc ? atoi(argv[6 + i]) : -1;
	start_trace();
	if (my.mix == ALL && argc == 6) {
		char *dir = realpath(argv[5], NULL);

		for (long i = 0; dir && i < atol(argv[3]); i++)
			try_program(seed + i, atol(argv[4]), dir);
		return dir ? 0 : usage();
	}
	if (argc > 5)
		snprintf(my.prefix, sizeof(my.prefix), "%s", argv[5]);
	run_program(seed, atol(argv[3]), argv[4]);
	return 0;
}
