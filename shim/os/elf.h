/* SPDX-License-Identifier: MIT */
/*
 * elf - reads the tables of an object that the dynamic loader has loaded: its symbols, and the
 * places (relocations) that the loader has filled with addresses of other objects' symbols.
 *
 * The caller makes sure that the object stays loaded. Reading takes no lock, allocates nothing and
 * calls no function of libc's that another library may interpose; only wt_elf_store asks the
 * loader, which takes its lock. Objects of a file on disk are not read here (program.h).
 */
#ifndef WT_ELF_H
#define WT_ELF_H

#include <elf.h>
#include <link.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* As !strcmp(3), which a sanitizer's runtime interposes before it is initialized. */
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

/* A symbol to look for, of this version or, if `version` is NULL, of the default one. */
struct wt_elf_name {
	const char *text;
	const char *version;
	uint32_t gnu_hash;
};

/* The name with its hash, and no version. */
struct wt_elf_name wt_elf_name(const char *text);

/* Reads the tables that the dynamic section names. False if the object has no symbols. */
bool wt_elf_read(struct wt_elf *elf, uintptr_t base, const ElfW(Dyn) * dynamic);

/*
 * The object's definition of the name, as the loader would choose it: a symbol without a version
 * serves every look-up. NULL if there is none.
 */
const ElfW(Sym) * wt_elf_find(const struct wt_elf *elf, const struct wt_elf_name *name);

/*
 * The address of a symbol. For one that chooses its function at run time (STT_GNU_IFUNC) its
 * resolver is called. NULL for a thread-local variable.
 */
void *wt_elf_address(const struct wt_elf *elf, const ElfW(Sym) * symbol);

/* The version that the undefined symbol with this index asks for, or NULL. */
const char *wt_elf_wanted_version(const struct wt_elf *elf, uint32_t symbol);

/* Whether a DT_NEEDED entry of the object names the library. */
bool wt_elf_needs(const struct wt_elf *elf, const char *library);

/*
 * Whether the relocation stores the plain address of a symbol: in the table that calls go through
 * (*is_call), or in data.
 */
bool wt_elf_is_address(const ElfW(Rela) * relocation, bool *is_call);

/*
 * Writes into the object's data. Data that the loader has made read-only (RELRO) is made writable
 * for the moment. An aligned address is stored atomically.
 */
void wt_elf_store(const struct wt_elf *elf, void *where, const void *value, size_t len);

#endif
