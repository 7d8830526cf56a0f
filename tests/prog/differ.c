/* SPDX-License-Identifier: MIT */
/*
 * differ SEED OPS DIR - does OPS random file operations in DIR, all decided by SEED, and prints
 * what each returned, errno, and what the kernel then says of the descriptor; in between and at
 * the end, the size and a digest of every file there.
 *
 * differ SEED OPS DIR PREFIX FD... is how it starts itself, to inherit descriptors.
 */
#include "differ.h"
#include <sys/wait.h>

#define OPS_BETWEEN_CHECKS 64
#define OPS_OF_A_CHILD 24

static void run_ops(long count);

static void start_again(uint64_t seed, long ops)
{
	char texts[SLOTS + 2][24];
	char *argv[SLOTS + 6] = { "differ", texts[SLOTS], texts[SLOTS + 1], ".", my.prefix };

	snprintf(texts[SLOTS], sizeof(texts[0]), "%llu", (unsigned long long)seed);
	snprintf(texts[SLOTS + 1], sizeof(texts[0]), "%ld", ops);
	for (int i = 0; i < SLOTS; i++) {
		snprintf(texts[i], sizeof(texts[0]), "%d", my.slots[i]);
		argv[5 + i] = texts[i];
	}
	execv("/proc/self/exe", argv);
	perror("differ: exec");
	_exit(3);
}

static void live_as_child(int way, uint64_t seed, long ops)
{
	snprintf(my.prefix, sizeof(my.prefix), "%ld/", my.op);
	if (way == 0)
		start_again(seed, ops);
	my.seed = seed;
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

/* A vfork child has descriptors of its own in the memory of its parent: what it closes stays open.
 */
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

static const struct operation {
	void (*run)(struct rng *rng);
	unsigned int weight;
} operations[] = {
	{ op_write, 160 },     { op_read, 24 },	 { op_lseek, 16 }, { op_truncate, 12 },
	{ op_fallocate, 6 },   { op_sync, 12 },	 { op_open, 60 },  { op_mkstemp, 6 },
	{ op_special, 5 },     { op_stream, 6 }, { op_close, 8 },  { op_dup, 20 },
	{ op_fcntl, 16 },      { op_lock, 4 },	 { op_crowd, 2 },  { op_name, 12 },
	{ op_child, 3 },       { op_vfork, 4 },	 { op_crew, 4 },   { op_write_far, 4 },
	{ op_close_range, 2 },
};

static void run_op(uint64_t number)
{
	struct rng rng = rng_of(my.seed, number);
	unsigned int total = 0;
	unsigned int at;
	size_t i = 0;

	for (size_t k = 0; k < COUNT(operations); k++)
		total += operations[k].weight;
	for (at = below(&rng, total); at >= operations[i].weight; i++)
		at -= operations[i].weight;
	operations[i].run(&rng);
}

static void run_ops(long count)
{
	for (my.op = 1; my.op <= count; my.op++) {
		run_op(my.op);
		if (my.op % OPS_BETWEEN_CHECKS == 0)
			trace_files();
	}
	trace_files();
}

int main(int argc, char **argv)
{
	if (argc < 4) {
		fprintf(stderr, "usage: differ SEED OPS DIR\n");
		return 2;
	}
	start_trace(argv[3]);
	my.seed = strtoull(argv[1], NULL, 0);
	if (argc > 4)
		snprintf(my.prefix, sizeof(my.prefix), "%s", argv[4]);
	else if (symlink(".", "via"))
		perror("differ: via");
	for (int i = 0; i < SLOTS; i++)
		my.slots[i] = 5 + i < argc ? atoi(argv[5 + i]) : -1;
	run_ops(strtol(argv[2], NULL, 0));
	return 0;
}
