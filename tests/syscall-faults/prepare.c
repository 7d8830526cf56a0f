/* SPDX-License-Identifier: MIT */
/* The files of a case as its method needs them, on disk and out of the cache. */
#include "syscall_faults.h"

#include "../lib/probe.h"

#define ALLOCATED_BYTES (3UL << 20)

static void die(const char *what, const char *path)
{
	fprintf(stderr, "syscall-faults: %s: %s: %m\n", what, path);
	exit(1);
}

/* Large files stay as they are from one case to the next. */
static void allocate(int fd, const struct file *file)
{
	size_t len = file->method->len > 65536 ? ALLOCATED_BYTES : 65536;
	char *bytes = calloc(1, len);
	struct stat now;

	if (fstat(fd, &now))
		die("fstat", file->path);
	for (int i = 0; i < THREADS_MAX; i++)
		if (now.st_size < (off_t)((THREADS_MAX - 1) * REGION + len) &&
		    pwrite(fd, bytes, len, i * REGION) != (ssize_t)len)
			die("pwrite", file->path);
	free(bytes);
}

static void sync_directory(const char *path)
{
	char dir[512];

	snprintf(dir, sizeof(dir), "%s", path);
	*strrchr(dir, '/') = 0;
	int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0 || fsync(fd))
		die("fsync", dir);
	close(fd);
}

/* Names of no record but those that are to go. */
static void prepare_names(const struct file *file, int threads, int count)
{
	char path[600];

	for (int i = 0; i < threads * count; i++) {
		name_of(path, sizeof(path), file->path, file->id, i / count, i % count);
		int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
		if (fd < 0 || write(fd, path, sizeof(path)) < 0 || fsync(fd))
			die("open", path);
		close(fd);
	}
	sync_directory(file->path);
}

void judge_clear(const struct file *file, int threads, int count)
{
	char path[600];

	if (file->method->place != AT_NAME)
		return;
	for (int i = 0; i < threads * count; i++) {
		name_of(path, sizeof(path), file->path, file->id, i / count, i % count);
		unlink(path);
		strcat(path, ".new");
		unlink(path);
	}
}

void judge_prepare(const struct file *file, int threads, int count)
{
	bool is_new = access(file->path, F_OK);
	int fd = open(file->path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);

	if (fd < 0)
		die("open", file->path);
	if (file->method->kind == ALLOCATED)
		allocate(fd, file);
	else if (ftruncate(fd, 0) ||
		 (file->method->kind == SPARSE && ftruncate(fd, THREADS_MAX * REGION)))
		die("ftruncate", file->path);
	if (fsync(fd))
		die("fsync", file->path);
	posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
	close(fd);
	if (is_new)
		sync_directory(file->path);
	if (!strcmp(file->method->name, "unlink"))
		prepare_names(file, threads, count);
}
