/* SPDX-License-Identifier: MIT */
/* A library of a host's that writes to the file that it is given, in a way chosen when compiled. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#ifdef TABLE
/* As a database has them: a table of system calls in data. */
static const struct {
	const char *name;
	ssize_t (*write)(int, const void *, size_t);
} calls_table[] = { { "write", write } };
#define WRITE calls_table[argc].write
#elif defined(NEXT)
#define WRITE ((ssize_t(*)(int, const void *, size_t))dlsym(RTLD_NEXT, "write"))
#elif defined(DEFAULT)
#define WRITE ((ssize_t(*)(int, const void *, size_t))dlsym(RTLD_DEFAULT, "write"))
#else
#define WRITE write
#endif

int act(const char *path, int argc);

__attribute__((noinline)) static int act_here(const char *path, int argc)
{
	(void)argc;
#ifdef STREAM
	FILE *file = fopen(path, "w");

	return !file || fputs("a line\n", file) < 0 || fclose(file);
#else
	int fd = open(path, O_RDWR | O_CREAT, 0600);

	return fd < 0 || WRITE(fd, "bytes", 5) != 5 || close(fd);
#endif
}

#ifdef NESTED
int act(const char *path, int argc)
{
	void *library = dlopen(getenv("NESTED"), RTLD_LAZY | RTLD_DEEPBIND);
	int (*inner)(const char *, int);

	*(void **)&inner = library ? dlsym(library, "act") : NULL;
	return !inner || inner(path, argc);
}
#elif defined(OUTER)
int inner_act(const char *path, int argc);

int act(const char *path, int argc)
{
	return inner_act(path, argc);
}
#elif defined(INNER)
int inner_act(const char *path, int argc);

int inner_act(const char *path, int argc)
{
	return act_here(path, argc);
}
#else
int act(const char *path, int argc)
{
	return act_here(path, argc);
}
#endif

#ifdef EARLY
__attribute__((constructor(EARLY))) static void early(void)
{
	const char *path = getenv("EARLY_FILE");

	if (path)
		act_here(path, 0);
}
#endif
