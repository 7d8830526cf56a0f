/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#include "bed.h"
#include "probe.h"
#include "sandbox.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static struct bed beds[] = {
	{ .name = "EXT4", .has_disk = true, .shows_device = true },
	{ .name = "XFS", .has_disk = true, .shows_device = true },
	{ .name = "BTRFS", .has_disk = true },
	{ .name = "TMPFS" },
	{ .name = "OVERLAY", .has_disk = true },
};

#define BEDS (sizeof(beds) / sizeof(beds[0]))

static const char *variable(const char *name, const char *suffix)
{
	char key[64];

	snprintf(key, sizeof(key), "WT_TEST_%s%s", name, suffix);
	return getenv(key);
}

const struct bed *bed_at(size_t index)
{
	struct bed *bed = &beds[index];

	if (index >= BEDS)
		return NULL;
	bed->dir = variable(bed->name, "");
	bed->skip = variable(bed->name, "_SKIP");
	bed->stat = variable(bed->name, "_STAT");
	bed->device = variable(bed->name, "_DEV");
	bed->upper = variable(bed->name, "_UPPER");
	return bed;
}

const struct bed *bed_need(const char *name)
{
	const struct bed *bed;

	for (size_t i = 0; (bed = bed_at(i)); i++)
		if (!strcmp(bed->name, name))
			break;
	if (!bed->dir)
		cr_skip_test("%s", bed->skip ? bed->skip : "not run by tests/with-fs");
	return bed;
}

const struct bed *bed_next(const struct bed *previous)
{
	const struct bed *bed;

	for (size_t i = previous ? (size_t)((struct bed *)previous - beds) + 1 : 0;
	     (bed = bed_at(i)); i++)
		if (bed->dir)
			return bed;
	if (!previous)
		cr_skip_test("%s", beds[0].skip ? beds[0].skip : "not run by tests/with-fs");
	return NULL;
}

const char *bed_path(const struct bed *bed, const char *name)
{
	static char paths[8][256];
	static unsigned int turn;
	char *path = paths[turn++ % 8];

	snprintf(path, sizeof(paths[0]), "%s/%s", bed->dir, name);
	return path;
}

static void allocate(int fd, const char *path, size_t size)
{
	char *zeros = calloc(1, size);

	cr_assert(!ftruncate(fd, 0), "%s: %m", path);
	cr_assert_eq(pwrite(fd, zeros, size, 0), (ssize_t)size, "%s: %m", path);
	free(zeros);
}

/* A file that is as wanted already stays so: thousands of runs use the same one. */
void bed_prepare(const char *path, size_t size, enum bed_contents contents)
{
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	struct probe_cache cache = { 0 };
	struct stat now;

	cr_assert(fd >= 0 && !fstat(fd, &now), "%s: %m", path);
	probe_cachestat(fd, 0, 0, &cache);
	if (contents == BED_SPARSE)
		cr_assert(!ftruncate(fd, 0) && !ftruncate(fd, size), "%s: %m", path);
	else if ((size_t)now.st_size < size || now.st_blocks * 512 < now.st_size)
		allocate(fd, path, size);
	else if ((size_t)now.st_size > size)
		cr_assert(!ftruncate(fd, size), "%s: %m", path);
	else if (!cache.dirty && !cache.writeback)
		goto settled;
	cr_assert(!fsync(fd), "%s: %m", path);
settled:
	posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
	close(fd);
}

/* In the child: nothing of this process's environment but PATH reaches the program. */
static void become(const struct bed_program *program, int out)
{
	char path[512], preload[512], rules[4096], search[1024];
	const char *env[BED_ARGS_MAX + 4];
	size_t count = 0;

	snprintf(search, sizeof(search), "PATH=%s", getenv("PATH") ? getenv("PATH") : "/bin");
	env[count++] = search;
	if (program->rules) {
		snprintf(preload, sizeof(preload), "LD_PRELOAD=%s", getenv("WT_LIB"));
		snprintf(rules, sizeof(rules), "WT_POLICY=%s", program->rules);
		env[count++] = preload;
		env[count++] = rules;
	}
	for (const char *const *more = program->env; *more; more++)
		env[count++] = *more;
	env[count] = NULL;
	snprintf(path, sizeof(path), "%s/tests/prog/%s", getenv("WT_OBJ"), program->argv[0]);
	dup2(out, 1);
	if (program->with_stderr)
		dup2(out, 2);
	close_range(3, ~0U, 0); /* the test framework's */
	if (getenv("WT_TEST_SANDBOX") && !sandbox_enter(getenv("WT_TEST_SANDBOX")))
		_exit(126);
	execve(path, (char **)program->argv, (char **)env);
	dprintf(2, "%s: %m\n", path);
	_exit(127);
}

void bed_run(struct bed_run *run, const struct bed_program *program)
{
	size_t filled = 0;
	int out[2], status;
	ssize_t got;
	pid_t child;

	cr_assert(!pipe2(out, O_CLOEXEC));
	child = fork();
	if (child == 0)
		become(program, out[1]);
	close(out[1]);
	while (filled < sizeof(run->out) - 1 &&
	       (got = read(out[0], run->out + filled, sizeof(run->out) - 1 - filled)) > 0)
		filled += got;
	run->out[filled] = 0;
	close(out[0]);
	cr_assert_eq(waitpid(child, &status, 0), child);
	run->status = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

const char *bed_next_line(const char *line)
{
	return line + strcspn(line, "\n") + (strchr(line, '\n') != NULL);
}

static const char *skip(const char *line, const char *apart)
{
	while (apart && !strncmp(line, apart, strlen(apart)))
		line = bed_next_line(line);
	return line;
}

void bed_expect_same(const char *label, const char *with, const char *without, const char *apart)
{
	const char *last = "";

	for (;;) {
		with = skip(with, apart);
		without = skip(without, apart);
		int len = strcspn(with, "\n"), len_without = strcspn(without, "\n");
		if (!*with || len != len_without || strncmp(with, without, len)) {
			cr_expect(!*with && !*without,
				  "%s: after\n  %.*s\n  %.*s\n  without libwt\n  %.*s", label,
				  (int)strcspn(last, "\n"), last, len, with, len_without, without);
			return;
		}
		last = with;
		with = bed_next_line(with);
		without = bed_next_line(without);
	}
}

int64_t bed_fact(const struct bed_run *run, const char *key)
{
	size_t len = strlen(key);

	for (const char *at = run->out; (at = strstr(at, key)); at += len)
		if ((at == run->out || strchr(" \n", at[-1])) && at[len] == '=')
			return strtoll(at + len + 1, NULL, 10);
	return BED_NO_FACT;
}

bool bed_has(const char *what)
{
	static struct bed_run run;
	char fact[64];

	bed_run(&run, &(struct bed_program){ .argv = { "sandbox", "ask" } });
	snprintf(fact, sizeof(fact), "%s=", what);
	const char *answer = strstr(run.out, fact);
	cr_assert(answer, "sandbox ask, status %d: %s", run.status, run.out);
	return !strncmp(answer + strlen(fact), "works", 5);
}

int64_t bed_json_sum(const char *json, const char *key)
{
	char quoted[64];
	int64_t sum = 0;

	snprintf(quoted, sizeof(quoted), "\"%s\":", key);
	for (const char *at = json; (at = strstr(at, quoted)); at += strlen(quoted))
		sum += strtoll(at + strlen(quoted), NULL, 10);
	return sum;
}

char *bed_slurp(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	char *text = calloc(1, sizeof(((struct bed_run *)0)->out));
	ssize_t got = fd < 0 ? -1 : read(fd, text, sizeof(((struct bed_run *)0)->out) - 1);

	close(fd);
	if (got >= 0)
		return text;
	free(text);
	return NULL;
}

void bed_tell_disk(const struct bed *bed, struct bed_program *program, size_t count,
		   struct bed_disk_words *words)
{
	if (bed->has_disk) {
		snprintf(words->stat, sizeof(words->stat), "stat=%s", bed->stat);
		program->argv[count++] = words->stat;
	}
	if (bed->shows_device) {
		snprintf(words->device, sizeof(words->device), "device=%s", bed->device);
		program->argv[count++] = words->device;
	}
	if (bed->upper) {
		snprintf(words->lies, sizeof(words->lies), "lies=%s", bed->upper);
		program->argv[count++] = words->lies;
	}
}
