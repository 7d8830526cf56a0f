/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#include "edge/rebind.h"

#include <dlfcn.h>
#include <errno.h>
#include <link.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#include "base/base.h"
#include "base/reason.h"
#include "edge/bind.h"
#include "edge/front.h"
#include "os/elf.h"
#include "os/real.h"
#include "os/scope.h"
#include "report/log.h"
#include "report/stats.h"
#include "state/config.h"

/*
 * The number of objects in the namespace, in the order of loading, and how many were ever unloaded.
 */
struct census {
	size_t len;
	unsigned long long unloaded;
};

static int count(struct dl_phdr_info *info, size_t size, void *arg)
{
	struct census *census = arg;

	(void)size;
	census->len++;
	census->unloaded = info->dlpi_subs;
	return 0;
}

static struct census take_census(void)
{
	struct census census = { 0 };

	wt_scope_iterate(count, &census);
	return census;
}

/* The memory of an object that has functions of libc, libaio or liburing. */
struct known {
	uintptr_t start, end;
	const char *name;
};

/* One pass over the objects. */
struct pass {
	size_t at, first; /* objects before `first` were there already */
	struct known known[12];
	size_t known_len;
	bool are_unbound[WT_FRONT_LEN]; /* a call that is bound when it is first made */
	bool are_libcs[WT_FRONT_LEN];	/* and will be bound to libc's function */
	bool is_any_unbound;
};

static bool read_object(struct wt_elf *elf, const struct dl_phdr_info *info, struct known *range)
{
	const ElfW(Dyn) *dynamic = NULL;

	*range = (struct known){ UINTPTR_MAX, 0, "" };
	for (int i = 0; i < info->dlpi_phnum; i++) {
		const ElfW(Phdr) *header = &info->dlpi_phdr[i];
		uintptr_t start = info->dlpi_addr + header->p_vaddr;

		if (header->p_type == PT_DYNAMIC)
			dynamic = (const void *)start;
		if (header->p_type != PT_LOAD)
			continue;
		range->start = start < range->start ? start : range->start;
		range->end =
			start + header->p_memsz > range->end ? start + header->p_memsz : range->end;
	}
	if (!wt_elf_read(elf, info->dlpi_addr, dynamic))
		return false;
	range->name = elf->name;
	return true;
}

static int find_known(struct dl_phdr_info *info, size_t size, void *arg)
{
	struct pass *pass = arg;
	struct known range;
	struct wt_elf elf;

	(void)size;
	if (read_object(&elf, info, &range) && wt_scope_is_known(elf.name) &&
	    pass->known_len < WT_LENGTH(pass->known))
		pass->known[pass->known_len++] = range;
	return 0;
}

static bool is_libcs(const struct pass *pass, uintptr_t address, const char *name)
{
	for (size_t i = 0; i < pass->known_len; i++)
		if (address >= pass->known[i].start && address < pass->known[i].end)
			return wt_scope_owns(pass->known[i].name, name);
	return false;
}

/* Corrects one place. Until a call is bound, its place contains an address in its own object. */
static void rebind(struct pass *pass, const struct wt_elf *elf, const struct known *range,
		   const ElfW(Rela) * relocation)
{
	const ElfW(Sym) *symbol = &elf->symbols[ELF64_R_SYM(relocation->r_info)];
	bool is_call;

	if (!wt_elf_is_address(relocation, &is_call) || symbol->st_shndx != SHN_UNDEF)
		return;
	int at = wt_bind_index(elf->strings + symbol->st_name);
	if (at < 0)
		return;
	uintptr_t *where = (uintptr_t *)(elf->base + relocation->r_offset);
	uintptr_t now = __atomic_load_n(where, __ATOMIC_ACQUIRE);
	bool is_unbound = is_call && now >= range->start && now < range->end;
	void *function = wt_bind_function(at);

	if (is_unbound && !pass->are_libcs[at])
		pass->is_any_unbound = pass->are_unbound[at] = true;
	else if (is_unbound || is_libcs(pass, now, wt_front_name(at)))
		wt_elf_store(elf, where, &function, sizeof(function));
}

static int rebind_object(struct dl_phdr_info *info, size_t size, void *arg)
{
	struct pass *pass = arg;
	struct known range;
	struct wt_elf elf;

	(void)size;
	if (pass->at++ < pass->first || !read_object(&elf, info, &range))
		return 0;
	for (int kind = 0; kind < 2; kind++)
		for (size_t i = 0; i < elf.relocations_len[kind]; i++)
			rebind(pass, &elf, &range, &elf.relocations[kind][i]);
	return 0;
}

/*
 * Finds out where calls that are not bound yet would lead. Not under the lock of the loader's list,
 * because a look-up takes another lock before that one.
 */
static void look_up_unbound(struct pass *pass, void *handle)
{
	for (size_t i = 0; i < WT_FRONT_LEN; i++) {
		const char *name = wt_front_name(i);

		if (pass->are_unbound[i])
			pass->are_libcs[i] =
				is_libcs(pass, (uintptr_t)wt_real.dlsym(handle, name), name);
	}
}

static void rebind_since(struct census before, void *handle)
{
	struct pass pass = { .first = before.len };
	int errno_before = errno;

	/* If objects were unloaded meanwhile, the numbers have changed: correct all later ones. */
	if (take_census().unloaded != before.unloaded)
		pass.first = wt_scope_len();
	wt_scope_iterate(find_known, &pass);
	wt_scope_iterate(rebind_object, &pass);
	if (pass.is_any_unbound && handle) {
		look_up_unbound(&pass, handle);
		pass.at = 0;
		wt_scope_iterate(rebind_object, &pass);
	}
	errno = errno_before;
}

/*
 * Objects that were loaded later and define names of libaio or liburing. libc has no such names, so
 * there they may mean anything. If the program was started without liburing, the loader has bound
 * them to libwt's functions, which it found first; they are bound to the object's own.
 */
struct later {
	size_t at;
	void *theirs[WT_FRONT_LEN];
	bool is_any;
	void (*act)(struct later *later, const struct wt_elf *elf, const struct known *range);
};

/* Passes over what was there at the start, and over libc's objects, libaio and liburing. */
static int act_on_later(struct dl_phdr_info *info, size_t size, void *arg)
{
	struct later *later = arg;
	struct known range;
	struct wt_elf elf;

	(void)size;
	if (later->at++ >= wt_scope_len() && read_object(&elf, info, &range) &&
	    !wt_scope_is_known(elf.name))
		later->act(later, &elf, &range);
	return 0;
}

static void each_later(struct later *later,
		       void (*act)(struct later *, const struct wt_elf *, const struct known *))
{
	later->at = 0;
	later->act = act;
	wt_scope_iterate(act_on_later, later);
}

static void find_theirs(struct later *later, const struct wt_elf *elf, const struct known *range)
{
	(void)range;
	for (size_t i = 0; i < WT_FRONT_LEN; i++) {
		if (!wt_scope_is_not_libcs(wt_front_name(i)) || later->theirs[i])
			continue;
		struct wt_elf_name name = wt_elf_name(wt_front_name(i));
		const ElfW(Sym) *symbol = wt_elf_find(elf, &name);

		if (symbol)
			later->theirs[i] = wt_elf_address(elf, symbol);
		later->is_any = later->is_any || later->theirs[i];
	}
}

static void give_back(struct later *later, const struct wt_elf *elf, const struct known *range)
{
	for (size_t i = 0; i < elf->relocations_len[0] + elf->relocations_len[1]; i++) {
		const ElfW(Rela) *relocation =
			i < elf->relocations_len[0]
				? &elf->relocations[0][i]
				: &elf->relocations[1][i - elf->relocations_len[0]];
		uint32_t number = ELF64_R_SYM(relocation->r_info);
		uintptr_t *where = (uintptr_t *)(elf->base + relocation->r_offset);
		bool is_call;

		if (!number || !wt_elf_is_address(relocation, &is_call))
			continue;
		int at = wt_bind_index(elf->strings + elf->symbols[number].st_name);
		if (at < 0 || !later->theirs[at])
			continue;
		if (*where == (uintptr_t)wt_front_exported(at) ||
		    (is_call && *where >= range->start && *where < range->end))
			wt_elf_store(elf, where, &later->theirs[at], sizeof(void *));
	}
}

static void give_back_to_later(void)
{
	struct later later = { .is_any = false };
	int errno_before = errno;

	if (wt_real_has_liburing())
		return;
	each_later(&later, find_theirs);
	if (later.is_any)
		each_later(&later, give_back);
	errno = errno_before;
}

/*
 * is_loaded: something was loaded since the last look-up by a handle. is_due: an object of it that
 * was loaded with RTLD_DEEPBIND is still to be corrected.
 */
static _Atomic bool is_due, is_loaded;

bool wt_rebind_is_due(void)
{
	return atomic_load_explicit(&is_loaded, memory_order_relaxed);
}

void wt_rebind_now(void *handle)
{
	bool is_handle = handle != RTLD_DEFAULT && handle != RTLD_NEXT;
	struct census start = { .len = wt_scope_len(), .unloaded = take_census().unloaded };

	if (!is_handle || !wt_scope_is_closed())
		return;
	atomic_store(&is_loaded, false);
	give_back_to_later();
	if (atomic_exchange(&is_due, false))
		rebind_since(start, handle);
}

/*
 * Whether libc may see libwt as the caller of dlopen(3). The caller matters if libraries are
 * searched for along its DT_RUNPATH, and for $ORIGIN.
 */
static bool is_same_for_all(const char *file, const void *caller)
{
	for (; *file; file++)
		if (*file == '$')
			return false;
	struct wt_scope_place place = wt_scope_place(caller);

	return place.is_found && !place.elf.has_search_path;
}

struct wt_bind_answer wt_bind_dlopen(const char *file, int mode, const void *unused,
				     const void *caller)
{
	(void)unused;
	wt_real_resolve_loader();
	atomic_store_explicit(&is_loaded, true, memory_order_relaxed);
	if (likely(!(mode & RTLD_DEEPBIND)) || !file || !*file)
		return wt_bind_go_on((void *)wt_real.dlopen);
	if (!is_same_for_all(file, caller)) {
		atomic_store(&is_due, true);
		return wt_bind_go_on((void *)wt_real.dlopen);
	}
	struct census before = take_census();
	void *handle = wt_real.dlopen(file, mode);

	if (handle)
		rebind_since(before, handle);
	return (struct wt_bind_answer){ handle, NULL };
}

/*
 * Reports the object. In a namespace of its own it has another libc, with an errno and streams of
 * its own, which libwt's functions cannot serve.
 */
static void report_namespace(const char *file)
{
	int errno_before = errno;

	if (wt_config.active && file) {
		wt_stats_event_of(WT_EVENT_NOT_COVERED, file, wt_way_text(WT_WAY_NAMESPACE));
		wt_log(WT_LOG_WARN, "%.200s: %s", file, wt_way_text(WT_WAY_NAMESPACE));
	}
	errno = errno_before;
}

struct wt_bind_answer wt_bind_dlmopen(long name_space, const char *file, int mode,
				      const void *caller)
{
	wt_real_resolve_loader();
	if (name_space == LM_ID_BASE) {
		if (mode & RTLD_DEEPBIND)
			atomic_store(&is_due, true);
		atomic_store(&is_loaded, true);
		return wt_bind_go_on((void *)wt_real.dlmopen);
	}
	if (!file || !is_same_for_all(file, caller)) {
		report_namespace(file);
		return wt_bind_go_on((void *)wt_real.dlmopen);
	}
	void *handle = wt_real.dlmopen(name_space, file, mode);

	if (handle)
		report_namespace(file);
	return (struct wt_bind_answer){ handle, NULL };
}
