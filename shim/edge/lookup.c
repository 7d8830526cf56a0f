/* SPDX-License-Identifier: MIT */
/*
 * Functions that programs look up by name (dlsym, dlvsym). If the loader would answer with libc's
 * function of a name that libwt exports, the answer is libwt's. A library behind libwt, which libwt
 * calls, gets the loader's answer, or each would call the other for ever.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stddef.h>

#include "base/base.h"
#include "edge/bind.h"
#include "edge/front.h"
#include "edge/rebind.h"
#include "os/elf.h"
#include "os/real.h"
#include "os/scope.h"

static bool is_libcs(const void *address, const char *name)
{
	struct wt_scope_place place = wt_scope_place(address);

	return place.is_found && wt_scope_owns(place.elf.name, name);
}

/*
 * Whether the library that owns the name (libc, or for some names libaio or liburing) defines it.
 */
static bool owner_has(const struct wt_elf_name *name)
{
	struct wt_scope_walk walk = wt_scope_begin(true);

	while (wt_scope_next(&walk))
		if (wt_scope_owns(walk.elf.name, name->text) && wt_elf_find(&walk.elf, name))
			return true;
	return false;
}

struct search {
	const struct wt_elf_name *name;
	uintptr_t but; /* the base of an object to leave out */
	bool is_found;
};

static int find_other(struct dl_phdr_info *info, size_t size, void *arg)
{
	struct search *search = arg;
	struct wt_elf elf;

	(void)size;
	for (int i = 0; i < info->dlpi_phnum; i++)
		if (info->dlpi_phdr[i].p_type == PT_DYNAMIC && info->dlpi_addr != search->but &&
		    wt_elf_read(&elf, info->dlpi_addr,
				(const void *)(info->dlpi_addr + info->dlpi_phdr[i].p_vaddr)) &&
		    !wt_scope_is_known(elf.name) && !wt_elf_is_same(elf.name, "libwt.so") &&
		    wt_elf_find(&elf, search->name))
			search->is_found = true;
	return search->is_found;
}

/* Whether libc's function is the first one behind the caller's object in the search order. */
static bool next_is_libcs(const struct wt_elf_name *name, const void *caller)
{
	struct wt_scope_place place = wt_scope_place(caller);
	struct wt_scope_walk walk = wt_scope_begin(true);
	bool is_behind = false;

	if (!place.is_found)
		return false;
	while (wt_scope_next(&walk)) {
		if (is_behind && wt_elf_find(&walk.elf, name))
			return wt_scope_owns(walk.elf.name, name->text);
		if (walk.elf.base != place.elf.base)
			continue;
		if (walk.kind == WT_SCOPE_AHEAD || walk.kind == WT_SCOPE_STACKED)
			return false;
		is_behind = true;
	}
	if (is_behind)
		return false;
	/*
	 * Behind a library that was loaded later comes only libc's, if no other object has the
	 * name.
	 */
	struct search search = { name, place.elf.base, false };
	wt_scope_iterate(find_other, &search);
	return !search.is_found && owner_has(name);
}

/*
 * Whether a look-up in all that the caller sees (RTLD_DEFAULT) may find libc's function before
 * libwt's: an object loaded with RTLD_DEEPBIND sees its own libraries first. Then libwt makes the
 * look-up and replaces the answer.
 */
static bool may_find_libcs_first(const char *text, const void *caller)
{
	struct wt_scope_place place = wt_scope_place(caller);
	struct wt_scope_walk walk = wt_scope_begin(true);
	struct wt_elf_name name = wt_elf_name(text);
	struct search search = { &name, 0, false };

	while (wt_scope_next(&walk))
		if (walk.elf.base == place.elf.base)
			return false;
	wt_scope_iterate(find_other, &search);
	return place.is_found && !search.is_found;
}

static struct wt_bind_answer look_up(void *handle, const char *name, const char *version,
				     const void *caller, void *target)
{
	int at = name ? wt_bind_index(name) : -1;
	void *found;

	if (unlikely(wt_rebind_is_due()))
		wt_rebind_now(handle);
	if (likely(at < 0))
		return wt_bind_go_on(target);
	if (handle == RTLD_DEFAULT && !may_find_libcs_first(name, caller))
		return wt_bind_go_on(target);
	if (handle == RTLD_NEXT) {
		struct wt_elf_name wanted = wt_elf_name(name);

		wanted.version = version;
		if (!next_is_libcs(&wanted, caller))
			return wt_bind_go_on(target);
		return (struct wt_bind_answer){ wt_front_inside(at), NULL };
	}
	found = version ? wt_real.dlvsym(handle, name, version) : wt_real.dlsym(handle, name);
	if (!found)
		return wt_bind_go_on(target); /* where it fails as without libwt */
	return (struct wt_bind_answer){ is_libcs(found, name) ? wt_bind_function(at) : found,
					NULL };
}

struct wt_bind_answer wt_bind_dlsym(void *handle, const char *name, const void *unused,
				    const void *caller)
{
	(void)unused;
	wt_real_resolve_loader();
	return look_up(handle, name, NULL, caller, (void *)wt_real.dlsym);
}

struct wt_bind_answer wt_bind_dlvsym(void *handle, const char *name, const char *version,
				     const void *caller)
{
	wt_real_resolve_loader();
	return look_up(handle, name, version, caller, (void *)wt_real.dlvsym);
}
