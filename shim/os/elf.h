/* SPDX-License-Identifier: MIT */
/*
 * elf - the tables of an object that the dynamic loader has loaded: its symbols, and the places
 * that the loader has filled with addresses of other objects' symbols.
 *
 * Reads memory only: no lock, no allocation, no libc function that could be another library's.
 * The object has to stay loaded while it is looked at.
 */
#ifndef WT_ELF_H
#define WT_ELF_H

#include <elf.h>
#include <link.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* As strcmp(3), which a sanitizer's runtime may have before it is ready to serve. */
static inline bool wt_elf_is_same(const char *one, const char *other)
{
	while (*one && *one == *other)
		one++, other++;
	return *one == *other;
}

struct wt_elf {
	uintptr_t base;
	const ElfW(Sym) * symbols;
	const char *strings;
	const uint32_t *gnu_hash;
	const uint32_t *sysv_hash;
	const ElfW(Versym) * versions; /* NULL where no symbol has a version */
	const ElfW(Verdef) * defined_versions;
	const ElfW(Verneed) * needed_versions;
	unsigned int defined_len, needed_len;
	const ElfW(Rela) * relocations[2]; /* of data, of calls */
	size_t relocations_len[2];
	const ElfW(Dyn) * dynamic;
	const char *name;     /* DT_SONAME, or "" */
	bool has_search_path; /* DT_RPATH or DT_RUNPATH */
};

/* A symbol that is looked for: of this version, or where it is NULL of the default one. */
struct wt_elf_name {
	const char *text;
	const char *version;
	uint32_t gnu_hash;
};

struct wt_elf_name wt_elf_name(const char *text);

/* False where the object has no symbols. */
bool wt_elf_read(struct wt_elf *elf, uintptr_t base, const ElfW(Dyn) * dynamic);

/* As the loader finds it: a symbol without a version serves every look-up. NULL for none. */
const ElfW(Sym) * wt_elf_find(const struct wt_elf *elf, const struct wt_elf_name *name);

/* Its address; a function that chooses itself (STT_GNU_IFUNC) is asked. NULL for thread-locals. */
void *wt_elf_address(const struct wt_elf *elf, const ElfW(Sym) * symbol);

/* The version that the symbol of a reference asks for, or NULL. */
const char *wt_elf_wanted_version(const struct wt_elf *elf, uint32_t symbol);

/* Whether DT_NEEDED of the object names it. */
bool wt_elf_needs(const struct wt_elf *elf, const char *library);

/*
 * Whether the relocation stores the address of a symbol, as the loader found it, and nothing else:
 * in a table of calls (`is_call`), or in data.
 */
bool wt_elf_is_address(const ElfW(Rela) * relocation, bool *is_call);

/*
 * Writes into the object's data, also where the loader has made it read-only (RELRO). An address
 * that is aligned is stored at once.
 */
void wt_elf_store(const struct wt_elf *elf, void *where, const void *value, size_t len);

#endif
