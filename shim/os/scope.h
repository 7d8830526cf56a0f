/* SPDX-License-Identifier: MIT */
/*
 * scope - where libwt stands among the objects that the program was started with, in the order in
 * which the loader searches them: the program, preloaded libraries, the program's own libraries,
 * and libc among those.
 *
 * Objects of the start are never unloaded, so their list (_r_debug) is read without the loader's
 * lock. No allocation; usable before any constructor has run.
 */
#ifndef WT_SCOPE_H
#define WT_SCOPE_H

#include <link.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "os/elf.h"

enum wt_scope_kind {
	WT_SCOPE_AHEAD,	  /* found before libwt's functions, so libwt never calls it */
	WT_SCOPE_STACKED, /* preloaded behind libwt, to stand before libc as well: libwt calls it */
	WT_SCOPE_LIBC,	  /* one of libc's own libraries, libaio or liburing: libwt calls it */
	WT_SCOPE_FOREIGN  /* a library of the program's: functions by these names are its own */
};

struct wt_scope {
	const struct link_map *own;	     /* libwt; NULL if it was loaded after the start */
	const struct link_map *behind_stack; /* the first object behind libwt not preloaded */
};

/* Finds where libwt stands. */
struct wt_scope wt_scope(void);

/* A walk over the objects that have symbols. */
struct wt_scope_walk {
	struct wt_scope scope;
	const struct link_map *at;
	struct wt_elf elf;
	enum wt_scope_kind kind;
};

/* Starts a walk: at the first object of all (`from_start`), or at the first one behind libwt. */
struct wt_scope_walk wt_scope_begin(bool from_start);
/* Moves to the next object and fills in `elf` and `kind`. False at the end. */
bool wt_scope_next(struct wt_scope_walk *walk);

/*
 * Declares the object that is now the last one to be the last one of the start. Walks end there,
 * since objects behind it come and go.
 */
void wt_scope_close(void);
bool wt_scope_is_closed(void);

/* How many objects the program was started with; 0 before wt_scope_close. */
size_t wt_scope_len(void);

/*
 * libc's dl_iterate_phdr(3). It is looked up, because a sanitizer's runtime defines it too and is
 * not initialized yet.
 */
extern int (*wt_scope_iterate)(int (*visit)(struct dl_phdr_info *, size_t, void *), void *arg);

/*
 * The object of the program's namespace that contains `address`. It stays loaded while code at the
 * address runs. The loader's lock is taken.
 */
struct wt_scope_place {
	uintptr_t address;
	struct wt_elf elf;
	bool is_found;
};

struct wt_scope_place wt_scope_place(const void *address);

/* Whether the library, by its DT_SONAME, is one of libc's own, libaio or liburing. */
bool wt_scope_is_known(const char *library);

/* Whether the function is libaio's or liburing's. */
bool wt_scope_is_not_libcs(const char *name);

/*
 * Whether libwt interposes this library's function of this name: libc's, or for requests to the
 * kernel libaio's or liburing's.
 */
bool wt_scope_owns(const char *library, const char *name);

#endif
