/* SPDX-License-Identifier: MIT */
/* processes - what its habits share. */
#ifndef WT_TESTS_PROCESSES_H
#define WT_TESTS_PROCESSES_H

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "../lib/probe.h"

struct habit {
	const char *name;
	void (*run)(const char *file, char **args);
};

/* Each ends with one without a name. */
extern const struct habit fork_habits[], fd_habits[], rights_habits[], exec_habits[];

/* "this machine: " and what it does not have, and status 77. */
void cannot(const char *what);

/* Opened for writing, made where it is not there, and judged at the end. */
int open_file(const char *file);

/* Only so many of its pages are judged. */
void judge_pages_of(const char *file, unsigned int pages);

/* A page of bytes of its own, at its place in the file. */
void write_page(int fd, unsigned int page);

/* A child that has to end with status 0. */
void wait_for(pid_t child);

/* Unlinks what was judged, and prints pages= of it and dirty=. */
void print_facts(void);

/* A program that does one habit: argv for exec. */
char **program_of(const char *habit, const char *file, const char *argument);

#endif
