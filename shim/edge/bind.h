/* SPDX-License-Identifier: MIT */
/*
 * bind - which calls come to libwt: those that without it would have come to libc.
 *
 * libwt is preloaded, so it is found before the program's libraries. Where one of those has a
 * function, or a variable, of a name that libwt exports, that is what the program was linked with,
 * and its calls go on there. Such a library may stand before libc's function of the same meaning
 * and call it in turn (a sanitizer's runtime does): what it looks up by dlsym(RTLD_NEXT) is
 * libwt's.
 */
#ifndef WT_BIND_H
#define WT_BIND_H

#include <stdbool.h>
#include <stddef.h>

/* Called once, before any other code of the process runs that could be foreign. */
void wt_bind_start(void);

/* Names those libraries in log and report; called when these can be. */
void wt_bind_tell(void);

/* The number of a name that libwt exports (front.h), or -1. */
int wt_bind_index(const char *name);

/* The address by which code is to call libwt's function instead of libc's. */
void *wt_bind_function(size_t at);

/*
 * What a call of the loader's function of that name is answered; or, where `target` is not NULL,
 * which function is to be called in its place, with the same arguments and from the same caller.
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
