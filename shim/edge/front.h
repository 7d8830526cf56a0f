/* SPDX-License-Identifier: MIT */
/*
 * front - the functions that the library exports.
 *
 * Each is one jump through a word of its own (its slot), and changes no register, so that a call
 * can go on to a function of any signature. The slot holds libwt's function of that name, until
 * bind.c finds that without libwt the name would have meant another library's. Only the constructor
 * changes slots; no lock.
 */
#ifndef WT_FRONT_H
#define WT_FRONT_H

#include <stddef.h>
#include <stdint.h>

enum wt_front_index {
#define WT_SAME(name, other) WT_FRONT_##name,
#define WT_SYMBOL(ret, name, params) WT_SAME(name, )
#define WT_LIBC(ret, name, params, args) WT_SAME(name, )
#define WT_URING(ret, name, params) WT_SAME(name, )
#include "os/symbols.def"
#undef WT_SYMBOL
#undef WT_LIBC
#undef WT_URING
#undef WT_SAME
	WT_FRONT_LEN
};

/*
 * For each function: its name, the exported jump, and libwt's own function, as distances from the
 * entry itself, so that there is nothing to relocate.
 */
struct wt_front {
	int32_t name, exported, inside;
};

extern void *wt_front_slots[WT_FRONT_LEN];
extern const struct wt_front wt_front[WT_FRONT_LEN];

static inline const char *wt_front_name(size_t at)
{
	return (const char *)&wt_front[at].name + wt_front[at].name;
}

/* The function that the library exports, which is the jump. */
static inline void *wt_front_exported(size_t at)
{
	return (char *)&wt_front[at].exported + wt_front[at].exported;
}

/* libwt's own function, wherever the exported one leads. */
static inline void *wt_front_inside(size_t at)
{
	return (char *)&wt_front[at].inside + wt_front[at].inside;
}

#endif
