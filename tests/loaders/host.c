/* SPDX-License-Identifier: MIT */
/*
 * host HOW LIBRARY FILE - gets at code in a library and has it write to the file; 0 where all
 * could be done.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const char *library, *file;
static int flags;

static int use(void *handle)
{
	int (*act)(const char *, int);

	*(void **)&act = handle ? dlsym(handle, "act") : NULL;
	if (!act) {
		fprintf(stderr, "%s\n", dlerror());
		return 1;
	}
	return act(file, 0);
}

static void *use_in_thread(void *unused)
{
	(void)unused;
	return (void *)(long)use(dlopen(library, flags));
}

static int write_by(void *found)
{
	ssize_t (*its_write)(int, const void *, size_t);
	int fd = open(file, O_RDWR | O_CREAT, 0600);

	memcpy(&its_write, &found, sizeof(found));
	return !found || fd < 0 || its_write(fd, "bytes", 5) != 5 || close(fd);
}

static int act(const char *how)
{
	void *libc = dlopen("libc.so.6", RTLD_LAZY);
	void *answer = NULL;
	pthread_t thread;

	if (!strcmp(how, "dlsym"))
		return write_by(dlsym(dlopen(library, RTLD_LAZY), "write"));
	if (!strcmp(how, "dlvsym"))
		return write_by(dlvsym(dlopen(library, RTLD_LAZY), "write", VERSION));
	if (!strcmp(how, "next"))
		return write_by(dlsym(RTLD_NEXT, "write"));
	if (!strcmp(how, "loaded"))
		return write_by(dlsym(dlopen("libc.so.6", RTLD_LAZY | RTLD_NOLOAD), "write"));
	if (!strcmp(how, "twice"))
		dlclose(dlopen(library, flags)), dlclose(libc);
	if (!strcmp(how, "base"))
		return use(dlmopen(LM_ID_BASE, library, flags));
	if (strcmp(how, "thread"))
		return use(dlopen(library, flags));
	return pthread_create(&thread, NULL, use_in_thread, NULL) ||
	       pthread_join(thread, &answer) || answer;
}

int main(int argc, char **argv)
{
	if (argc != 4)
		return 2;
	library = argv[2];
	file = argv[3];
	flags = (strstr(argv[1], "now") ? RTLD_NOW : RTLD_LAZY) |
		(strstr(argv[1], "global") ? RTLD_GLOBAL : RTLD_LOCAL) |
		(strstr(argv[1], "plain") ? 0 : RTLD_DEEPBIND);
	return act(argv[1]);
}
