/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#include "edge/bind.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include "base/base.h"
#include "base/reason.h"
#include "base/text.h"
#include "edge/front.h"
#include "os/elf.h"
#include "os/scope.h"
#include "report/log.h"
#include "report/stats.h"

#if defined(__x86_64__)
#define COPY R_X86_64_COPY
#elif defined(__aarch64__)
#define COPY R_AARCH64_COPY
#endif

/*
 * Stands for whatever version programs use for libc's function. In another library, only a symbol
 * without a version serves such a reference.
 */
static const char version_of_libc[] = "GLIBC";

/* Which of the exported names are defined by libraries of the program as well. */
struct stolen {
	struct wt_elf_name names[WT_FRONT_LEN];
	bool are_theirs[WT_FRONT_LEN];
	bool any;
};

struct definition {
	struct wt_elf elf;
	const ElfW(Sym) * symbol;
	enum wt_scope_kind kind;
};

/*
 * Finds the definition that the loader would have found without libwt: from the first object on or,
 * if `after` is not NULL, from the object behind that one.
 */
static bool find_definition(struct definition *found, const struct wt_elf_name *name,
			    const struct link_map *after)
{
	struct wt_scope_walk walk = wt_scope_begin(true);
	bool is_behind = !after;

	while (wt_scope_next(&walk)) {
		struct wt_elf_name wanted = *name;

		if (name->version == version_of_libc && wt_scope_owns(walk.elf.name, name->text))
			wanted.version = NULL;
		const ElfW(Sym) *symbol = is_behind ? wt_elf_find(&walk.elf, &wanted) : NULL;
		is_behind = is_behind || walk.at == after;
		if (!symbol)
			continue;
		*found = (struct definition){ walk.elf, symbol, walk.kind };
		return true;
	}
	return false;
}

/* Whether the definition is not the one that libwt interposes, but another library's. */
static bool is_foreign(const struct definition *found, const char *name)
{
	return found->kind == WT_SCOPE_FOREIGN ||
	       (found->kind == WT_SCOPE_LIBC && !wt_scope_owns(found->elf.name, name));
}

static bool is_function(const ElfW(Sym) * symbol)
{
	unsigned int type = ELF64_ST_TYPE(symbol->st_info);

	return type == STT_FUNC || type == STT_GNU_IFUNC || type == STT_NOTYPE;
}

/* Makes the exported function jump to the function that calls would have reached without libwt. */
static void redirect(size_t at, struct wt_elf_name name)
{
	struct definition found;

	name.version = version_of_libc;
	if (find_definition(&found, &name, NULL) && is_foreign(&found, name.text) &&
	    is_function(found.symbol))
		wt_front_slots[at] = wt_elf_address(&found.elf, found.symbol);
}

static void look_for_stolen(struct stolen *stolen)
{
	struct wt_scope_walk walk = wt_scope_begin(false);

	for (size_t i = 0; i < WT_FRONT_LEN; i++) {
		stolen->names[i] = wt_elf_name(wt_front_name(i));
		stolen->are_theirs[i] = false;
	}
	while (wt_scope_next(&walk))
		for (size_t i = 0; walk.kind == WT_SCOPE_FOREIGN && i < WT_FRONT_LEN; i++)
			if (wt_elf_find(&walk.elf, &stolen->names[i]))
				stolen->any = stolen->are_theirs[i] = true;
}

static bool has_foreign(void)
{
	struct wt_scope_walk walk = wt_scope_begin(false);

	while (wt_scope_next(&walk))
		if (walk.kind == WT_SCOPE_FOREIGN)
			return true;
	return false;
}

/*
 * Stores in one place what the loader would have stored there without libwt. Of a variable that the
 * program holds itself (a COPY relocation), the value is stored.
 */
static void restore(const struct wt_elf *elf, const ElfW(Rela) * relocation,
		    const struct stolen *stolen, size_t at, const struct link_map *map)
{
	uint32_t number = ELF64_R_SYM(relocation->r_info);
	struct wt_elf_name name = stolen->names[at];
	void **where = (void **)(elf->base + relocation->r_offset);
	bool is_copy = ELF64_R_TYPE(relocation->r_info) == COPY, is_call;
	struct definition found;

	name.version = wt_elf_wanted_version(elf, number);
	if (!is_copy && !wt_elf_is_address(relocation, &is_call))
		return;
	if (!find_definition(&found, &name, is_copy ? map : NULL) || !is_foreign(&found, name.text))
		return;
	if (is_copy) {
		size_t size = elf->symbols[number].st_size;

		wt_elf_store(elf, where, (void *)(found.elf.base + found.symbol->st_value),
			     size < found.symbol->st_size ? size : found.symbol->st_size);
	} else if (is_call || *where == wt_front_exported(at)) {
		void *address = wt_elf_address(&found.elf, found.symbol);

		wt_elf_store(elf, where, &address, sizeof(address));
	}
}

static void restore_all(const struct stolen *stolen)
{
	struct wt_scope_walk walk = wt_scope_begin(true);

	while (wt_scope_next(&walk)) {
		for (int kind = 0; kind < 2; kind++) {
			for (size_t j = 0; j < walk.elf.relocations_len[kind]; j++) {
				const ElfW(Rela) *relocation = &walk.elf.relocations[kind][j];
				uint32_t number = ELF64_R_SYM(relocation->r_info);
				const char *name =
					walk.elf.strings + walk.elf.symbols[number].st_name;

				for (size_t i = 0; number && i < WT_FRONT_LEN; i++)
					if (stolen->are_theirs[i] &&
					    wt_elf_is_same(name, stolen->names[i].text))
						restore(&walk.elf, relocation, stolen, i, walk.at);
			}
		}
	}
}

static bool any_stolen;

void wt_bind_start(void)
{
	struct stolen stolen = { .any = false };

	wt_scope_close();
	if (!has_foreign())
		return;
	look_for_stolen(&stolen);
	any_stolen = stolen.any;
	if (!stolen.any)
		return;
	for (size_t i = 0; i < WT_FRONT_LEN; i++)
		if (stolen.are_theirs[i])
			redirect(i, stolen.names[i]);
	restore_all(&stolen);
}

static bool calls(const struct wt_elf *elf, const char *name)
{
	for (int kind = 0; kind < 2; kind++)
		for (size_t i = 0; i < elf->relocations_len[kind]; i++) {
			uint32_t number = ELF64_R_SYM(elf->relocations[kind][i].r_info);

			if (number &&
			    wt_elf_is_same(elf->strings + elf->symbols[number].st_name, name))
				return true;
		}
	return false;
}

/* Whether the library's functions call libc's functions of the same names, and so libwt's. */
static bool hands_on(const struct wt_elf *elf)
{
	return calls(elf, "dlsym") || calls(elf, "dlvsym") || calls(elf, "syscall");
}

/* Reports a library whose functions libwt does not cover, and in the log which names they have. */
static void report_library(const char *library, const struct wt_elf *elf)
{
	char words[256];
	struct wt_text text = { .buf = words, .size = sizeof(words) };

	for (size_t i = 0; i < WT_FRONT_LEN; i++) {
		struct wt_elf_name name = wt_elf_name(wt_front_name(i));
		const ElfW(Sym) *symbol = wt_elf_find(elf, &name);

		if (!symbol || !is_function(symbol))
			continue;
		wt_text_str(&text, text.len ? ", " : "");
		wt_text_str(&text, name.text);
	}
	if (!text.len)
		return;
	wt_stats_event_of(WT_EVENT_NOT_COVERED, library, wt_way_text(WT_WAY_OWN_FUNCTIONS));
	wt_log(WT_LOG_INFO, "%.200s: %s: %.*s", library, wt_way_text(WT_WAY_OWN_FUNCTIONS),
	       (int)text.len, words);
}

void wt_bind_tell(void)
{
	struct wt_scope_walk walk = wt_scope_begin(false);

	while (any_stolen && wt_scope_next(&walk))
		if (walk.kind == WT_SCOPE_FOREIGN && !hands_on(&walk.elf))
			report_library(walk.at->l_name, &walk.elf);
}

#define TABLE_LEN 512u /* a power of two, more than twice the names */

_Static_assert(2 * WT_FRONT_LEN < TABLE_LEN, "the table of names is too small");

/*
 * A hash table of the exported names: each entry is an index + 1, or 0 if it is free. Threads that
 * fill it at once store the same.
 */
static _Atomic uint16_t table[TABLE_LEN];
static _Atomic bool table_is_filled;

static void fill_table(void)
{
	for (size_t i = 0; i < WT_FRONT_LEN; i++) {
		uint32_t at = wt_elf_name(wt_front_name(i)).gnu_hash % TABLE_LEN;
		uint16_t there;

		while ((there = atomic_load(&table[at])) && there != i + 1)
			at = (at + 1) % TABLE_LEN;
		atomic_store(&table[at], i + 1);
	}
	atomic_store(&table_is_filled, true);
}

int wt_bind_index(const char *name)
{
	uint32_t at = wt_elf_name(name).gnu_hash % TABLE_LEN;
	uint16_t there;

	if (unlikely(!atomic_load_explicit(&table_is_filled, memory_order_acquire)))
		fill_table();
	for (; (there = atomic_load_explicit(&table[at], memory_order_relaxed));
	     at = (at + 1) % TABLE_LEN)
		if (wt_elf_is_same(wt_front_name(there - 1), name))
			return there - 1;
	return -1;
}

/* The exported function if it leads to libwt's, so that each function has one address only. */
void *wt_bind_function(size_t at)
{
	void *inside = wt_front_inside(at);

	return wt_scope_is_closed() && wt_front_slots[at] == inside ? wt_front_exported(at)
								    : inside;
}
