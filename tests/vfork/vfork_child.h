/* SPDX-License-Identifier: MIT */
/* guest - what its two files share: descriptors and what a child does to them. */
#ifndef GUEST_H
#define GUEST_H

#include <stdbool.h>

struct act {
	const char *kind, *name;
	void (*act)(void);
	bool is_killed; /* the child ends by a signal */
};

/* The last one has no name. */
extern const struct act guest_acts[];

/* A renamed file, /dev/null under the next number, and the name of a file under no rule. */
extern int guest_fd, guest_null;
extern const char *guest_other_path;

void guest_must(int condition, const char *what);

/* At the file's second page. */
void guest_write_page(int fd);

#endif
