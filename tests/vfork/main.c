/* SPDX-License-Identifier: MIT */
/*
 * vfork FILE MAKER be|write|share ACT - a child that runs in its parent's memory, made by MAKER,
 * does ACT to its descriptors. FILE is open and has been renamed to FILE.1 since, so that its rule
 * is not found by its name again. Then the parent, or the child where ACT says so, writes a page.
 * Prints how many pages of FILE.1 that leaves dirty.
 *
 * vfork list be|write|share - the ACTs after which the parent writes to its descriptor, those that
 * end with a write by the child, and those of a child that shares its parent's descriptors.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../lib/probe.h"
#include "vfork_child.h"

#define STACK_BYTES (256 << 10)

static char page[4096];
const char *other_path;
int file_fd, null_fd;

void write_page(int to)
{
	must(pwrite(to, page, sizeof(page), sizeof(page)) == sizeof(page), "pwrite");
}

static const struct act *act;

static int child(void *unused)
{
	(void)unused;
	act->act();
	_exit(0);
}

static const struct maker {
	const char *name;
	int flags;
} makers[] = {
	{ "vfork", 0 },
	{ "clone_vfork", CLONE_VM | CLONE_VFORK },
	{ "clone_vm", CLONE_VM },
	{ "clone_files", CLONE_VM | CLONE_FILES },
	{ "clone_files_vfork", CLONE_VM | CLONE_VFORK | CLONE_FILES },
};

static pid_t make(int flags)
{
	if (!flags) {
		pid_t made = vfork();
		if (!made)
			child(NULL);
		return made;
	}
	char *stack =
		mmap(NULL, STACK_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	must(stack != MAP_FAILED, "mmap");
	return clone(child, stack + STACK_BYTES, flags | SIGCHLD, NULL);
}

static uintmax_t dirty_pages(const char *path)
{
	struct probe_cache pages;
	int look = open(path, O_RDONLY);

	must(look >= 0 && !probe_cachestat(look, 0, 0, &pages), "cachestat");
	return pages.dirty + pages.writeback;
}

static int list(const char *kind)
{
	for (const struct act *at = child_acts; at->name; at++)
		if (!strcmp(kind, at->kind))
			puts(at->name);
	return 0;
}

static void find(const char *kind, const char *name, const char *maker, int *flags)
{
	for (const struct act *at = child_acts; at->name; at++)
		if (!strcmp(name, at->name) && !strcmp(kind, at->kind))
			act = at;
	*flags = -1;
	for (size_t i = 0; i < sizeof(makers) / sizeof(makers[0]); i++)
		if (!strcmp(maker, makers[i].name))
			*flags = makers[i].flags;
}

int main(int argc, char **argv)
{
	char renamed[4096], other[4096];
	int flags = 0, status = 0;

	if (argc == 3 && !strcmp(argv[1], "list"))
		return list(argv[2]);
	if (argc == 5)
		find(argv[3], argv[4], argv[2], &flags);
	if (!act || flags < 0) {
		fprintf(stderr, "usage: vfork FILE MAKER be|write|share ACT, or vfork list KIND\n");
		return 2;
	}
	snprintf(renamed, sizeof(renamed), "%s.1", argv[1]);
	snprintf(other, sizeof(other), "%s.other", argv[1]);
	other_path = other;
	/* The numbers that are free are the next ones, whatever was inherited. */
	closefrom(3);
	file_fd = open(argv[1], O_RDWR | O_CREAT | O_TRUNC, 0644);
	null_fd = open("/dev/null", O_WRONLY);
	must(file_fd >= 0 && null_fd == file_fd + 1, "open");
	must(pwrite(file_fd, page, sizeof(page), 0) == sizeof(page), "pwrite");
	must(write(null_fd, page, 1) == 1, "write");
	must(!rename(argv[1], renamed), "rename");
	pid_t made = make(flags);
	must(made > 0 && waitpid(made, &status, 0) == made, "a child");
	must(WIFEXITED(status) ? !WEXITSTATUS(status) : act->is_killed, "the child's end");
	if (strcmp(argv[3], "write"))
		write_page(strcmp(argv[3], "share") ? file_fd : null_fd);
	printf("%ju\n", dirty_pages(renamed));
	return 0;
}
