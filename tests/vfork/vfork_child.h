/* SPDX-License-Identifier: MIT */
/* vfork - what its two files share: descriptors and what a child does to them. */
#ifndef VFORK_CHILD_H
#define VFORK_CHILD_H

#include <stdbool.h>

#include "../lib/must.h"

struct act {
	const char *kind, *name;
	void (*act)(void);
	bool is_killed; /* the child ends by a signal */
};

/* The last one has no name. */
extern const struct act child_acts[];

/* A renamed file, /dev/null under the next number, and the name of a file under no rule. */
extern int file_fd, null_fd;
extern const char *other_path;

/* At the file's second page. */
void write_page(int fd);

#endif
