/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#include "os/scope.h"

#include <stddef.h>

#include "base/base.h"

static bool begins(const char *text, const char *beginning)
{
	while (*beginning && *text == *beginning)
		text++, beginning++;
	return !*beginning;
}

/* Before glibc 2.34 some functions were in libraries beside libc.so.6. */
static bool is_libc(const char *library)
{
	return begins(library, "libc.so.") || begins(library, "ld-linux") ||
	       begins(library, "libpthread.so.") || begins(library, "librt.so.") ||
	       begins(library, "libdl.so.");
}

static bool is_aio(const char *library)
{
	return begins(library, "libaio.so.");
}

static bool is_uring(const char *library)
{
	return begins(library, "liburing.so.") || begins(library, "liburing-ffi.so.");
}

bool wt_scope_is_known(const char *library)
{
	return is_libc(library) || is_aio(library) || is_uring(library);
}

bool wt_scope_is_not_libcs(const char *name)
{
	return begins(name, "io_uring_") || wt_elf_is_same(name, "io_submit");
}

bool wt_scope_owns(const char *library, const char *name)
{
	if (begins(name, "io_uring_"))
		return is_uring(library);
	return wt_elf_is_same(name, "io_submit") ? is_aio(library) : is_libc(library);
}

static const char *file_name(const char *path)
{
	const char *name = path;

	for (; *path; path++)
		if (*path == '/')
			name = path + 1;
	return name;
}

/*
 * Whether an object of the list before `map` needs it (DT_NEEDED), so that it was not preloaded. A
 * library without a DT_SONAME is needed by the path that the program was linked with.
 */
static bool is_needed(const struct link_map *map, const struct wt_elf *elf)
{
	const char *name = *elf->name ? elf->name : file_name(map->l_name);
	struct wt_elf earlier;

	for (const struct link_map *at = _r_debug.r_map; at && at != map; at = at->l_next)
		if (wt_elf_read(&earlier, at->l_addr, at->l_ld) &&
		    (wt_elf_needs(&earlier, name) || wt_elf_needs(&earlier, map->l_name)))
			return true;
	return false;
}

/*
 * libwt's entry in the loader's list. If libwt stands behind libc (opened by dlopen(3), or linked
 * as the last library), nothing is bound to it, and the result is NULL.
 */
static const struct link_map *find_own(void)
{
	struct wt_elf elf;

	for (const struct link_map *at = _r_debug.r_map; at; at = at->l_next) {
		if (at->l_ld == _DYNAMIC)
			return at;
		if (wt_elf_read(&elf, at->l_addr, at->l_ld) && is_libc(elf.name))
			return NULL;
	}
	return NULL;
}

struct wt_scope wt_scope(void)
{
	struct wt_scope scope = { .own = find_own() };
	struct wt_elf elf;

	if (!scope.own)
		return scope;
	for (scope.behind_stack = scope.own->l_next; scope.behind_stack;
	     scope.behind_stack = scope.behind_stack->l_next)
		if (wt_elf_read(&elf, scope.behind_stack->l_addr, scope.behind_stack->l_ld) &&
		    is_needed(scope.behind_stack, &elf))
			break;
	return scope;
}

struct wt_scope_walk wt_scope_begin(bool from_start)
{
	struct wt_scope_walk walk = { .scope = wt_scope(), .kind = WT_SCOPE_AHEAD };

	if (!from_start && walk.scope.own) {
		walk.at = walk.scope.own;
		walk.kind = WT_SCOPE_STACKED;
	}
	return walk;
}

int (*wt_scope_iterate)(int (*)(struct dl_phdr_info *, size_t, void *), void *) = dl_iterate_phdr;

/* The last object of the start, once it is known. Objects behind it come and go. */
static const struct link_map *last;
static size_t len;

void wt_scope_close(void)
{
	const struct link_map *at = _r_debug.r_map;

	for (len = !!at; at && at->l_next; len++)
		at = at->l_next;
	last = at;
}

bool wt_scope_is_closed(void)
{
	return last;
}

size_t wt_scope_len(void)
{
	return len;
}

bool wt_scope_next(struct wt_scope_walk *walk)
{
	do {
		if (last && walk->at == last)
			return false;
		walk->at = walk->at ? walk->at->l_next : _r_debug.r_map;
		if (!walk->at)
			return false;
		if (walk->at == walk->scope.behind_stack)
			walk->kind = WT_SCOPE_FOREIGN;
	} while (!wt_elf_read(&walk->elf, walk->at->l_addr, walk->at->l_ld));
	if (walk->at == walk->scope.own) {
		walk->kind = WT_SCOPE_STACKED;
		return wt_scope_next(walk);
	}
	if (walk->kind >= WT_SCOPE_LIBC)
		walk->kind = wt_scope_is_known(walk->elf.name) ? WT_SCOPE_LIBC : WT_SCOPE_FOREIGN;
	return true;
}

static int find_place(struct dl_phdr_info *info, size_t size, void *arg)
{
	struct wt_scope_place *place = arg;
	const ElfW(Dyn) *dynamic = NULL;
	bool is_here = false;

	(void)size;
	for (int i = 0; i < info->dlpi_phnum; i++) {
		const ElfW(Phdr) *header = &info->dlpi_phdr[i];
		uintptr_t start = info->dlpi_addr + header->p_vaddr;

		if (header->p_type == PT_DYNAMIC)
			dynamic = (const void *)start;
		if (header->p_type == PT_LOAD && place->address - start < header->p_memsz)
			is_here = true;
	}
	if (!is_here)
		return 0;
	place->is_found = wt_elf_read(&place->elf, info->dlpi_addr, dynamic);
	return 1;
}

struct wt_scope_place wt_scope_place(const void *address)
{
	struct wt_scope_place place = { .address = (uintptr_t)address };

	wt_scope_iterate(find_place, &place);
	return place;
}
