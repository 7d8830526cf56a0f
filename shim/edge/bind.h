/* SPDX-License-Identifier: MIT */
/*
 * bind - makes those calls come to libwt that would come to libc without it, and no others.
 *
 * libwt is preloaded, so the loader finds its functions before those of the program's libraries. If
 * one of these libraries defines a function or a variable of a name that libwt exports, then the
 * program was linked with that one, and its calls must go there. Such a library may wrap libc's
 * function (a sanitizer's runtime does): what it looks up by dlsym(RTLD_NEXT) is libwt's.
 *
 * bind.c sees to the objects that the program is started with, lookup.c to functions that are
 * looked up by name, rebind.c to objects that are loaded later. No lock but the loader's.
 */
#ifndef WT_BIND_H
#define WT_BIND_H

#include <stdbool.h>
#include <stddef.h>

/* Sees to the objects of the start. Called once, before code of the program's libraries runs. */
void wt_bind_start(void);

/*
 * Names those libraries of the program whose functions have exported names and are not covered, in
 * the log and the report. Called when both are ready.
 */
void wt_bind_tell(void);

/* The index (front.h) of a name that libwt exports, or -1. */
int wt_bind_index(const char *name);

/* The address by which code shall call libwt's function instead of libc's. */
void *wt_bind_function(size_t at);

/*
 * What becomes of a call of one of the loader's functions. If `target` is NULL, the call returns
 * `answer`; otherwise `target` is called in its place, with the same arguments and from the same
 * caller.
 */
struct wt_bind_answer {
	void *answer;
	void *target;
};

static inline struct wt_bind_answer wt_bind_go_on(void *target)
{
	return (struct wt_bind_answer){ NULL, target };
}

struct wt_bind_answer wt_bind_dlsym(void *handle, const char *name, const void *unused,
				    const void *caller);
struct wt_bind_answer wt_bind_dlvsym(void *handle, const char *name, const char *version,
				     const void *caller);
struct wt_bind_answer wt_bind_dlopen(const char *file, int mode, const void *unused,
				     const void *caller);
struct wt_bind_answer wt_bind_dlmopen(long name_space, const char *file, int mode,
				      const void *caller);

#endif
