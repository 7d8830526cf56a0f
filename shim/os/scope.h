/* SPDX-License-Identifier: MIT */
/*
 * scope - where libwt stands among the objects that the program was started with, in the order in
 * which the loader searches them: the program, preloaded libraries, the program's own libraries,
 * and libc among those.
 *
 * Objects of the start are never unloaded, so their list is read without the loader's lock. No
 * allocation, usable before any constructor has run.
 */
#ifndef WT_SCOPE_H
#define WT_SCOPE_H

#include <link.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "os/elf.h"

enum wt_scope_kind {
	WT_SCOPE_AHEAD,	  /* found before libwt's: never asked */
	WT_SCOPE_STACKED, /* preloaded behind libwt, to stand before libc as well: libwt calls it */
	WT_SCOPE_LIBC,	  /* one of libc's own libraries, libaio or liburing: libwt calls it */
	WT_SCOPE_FOREIGN  /* a library of the program's */
};

struct wt_scope {
	const struct link_map *own;	     /* libwt, NULL where it came later than the start */
	const struct link_map *behind_stack; /* the first one that was not preloaded behind it */
};

/* Where libwt stands. */
struct wt_scope wt_scope(void);

/* The next object that has symbols, from `*at` on, and its kind; false at the end. */
struct wt_scope_walk {
	struct wt_scope scope;
	const struct link_map *at;
	struct wt_elf elf;
	enum wt_scope_kind kind;
};

/* From the first object behind libwt, or from all the first one. */
struct wt_scope_walk wt_scope_begin(bool from_start);
bool wt_scope_next(struct wt_scope_walk *walk);

/* The last object of the start is known: a walk goes no further. */
void wt_scope_close(void);
bool wt_scope_is_closed(void);

/* How many objects there were then. */
size_t wt_scope_len(void);

/* libc's dl_iterate_phdr(3): a sanitizer's runtime has one, too, before it is ready to serve. */
extern int (*wt_scope_iterate)(int (*visit)(struct dl_phdr_info *, size_t, void *), void *arg);

/*
 * The object of the program's namespace that the address lies in; it stays loaded as long as code
 * at the address runs. Under the loader's lock.
 */
struct wt_scope_place {
	uintptr_t address;
	struct wt_elf elf;
	bool is_found;
};

struct wt_scope_place wt_scope_place(const void *address);

/* Whether it is one of libc's own libraries, libaio or liburing. */
bool wt_scope_is_known(const char *library);

/* Whether the name is libaio's or liburing's. */
bool wt_scope_is_not_libcs(const char *name);

/*
 * Whether a function of this name in that library is the one that libwt stands before: libc's, or
 * for requests to the kernel libaio's and liburing's.
 */
bool wt_scope_owns(const char *library, const char *name);

#endif
