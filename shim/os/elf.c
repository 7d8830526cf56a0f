/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#include "os/elf.h"

#include <stddef.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>

#include "base/base.h"
#include "os/raw.h"

#if defined(__x86_64__)
#define TO_DATA R_X86_64_GLOB_DAT
#define TO_CALL R_X86_64_JUMP_SLOT
#define ABSOLUTE R_X86_64_64
#elif defined(__aarch64__)
#define TO_DATA R_AARCH64_GLOB_DAT
#define TO_CALL R_AARCH64_JUMP_SLOT
#define ABSOLUTE R_AARCH64_ABS64
#endif

#define HIDDEN 0x8000	 /* bit of a version's number: not the default version */
#define VERSION_GLOBAL 1 /* VER_NDX_GLOBAL: numbers up to this one mean no version */

struct wt_elf_name wt_elf_name(const char *text)
{
	struct wt_elf_name name = { text, NULL, 5381 };

	for (const unsigned char *at = (const unsigned char *)text; *at; at++)
		name.gnu_hash = name.gnu_hash * 33 + *at;
	return name;
}

/*
 * The hash of DT_HASH, which objects without DT_GNU_HASH have. Few are left, so the hash is
 * computed when it is needed and not kept with the name.
 */
static uint32_t sysv_hash(const char *text)
{
	uint32_t hash = 0;

	for (const unsigned char *at = (const unsigned char *)text; *at; at++) {
		hash = (hash << 4) + *at;
		hash = (hash ^ (hash >> 24 & 0xf0)) & 0x0fffffff;
	}
	return hash;
}

/*
 * The loader has added the base to the address of each table where it could write the entry, which
 * it cannot in the kernel's vDSO.
 */
static const void *table(const struct wt_elf *elf, const ElfW(Dyn) * entry)
{
	uintptr_t address = entry->d_un.d_ptr;

	return (const void *)(address < elf->base ? address + elf->base : address);
}

static void read_entry(struct wt_elf *elf, const ElfW(Dyn) * entry)
{
	switch (entry->d_tag) {
	case DT_SYMTAB:
		elf->symbols = table(elf, entry);
		break;
	case DT_STRTAB:
		elf->strings = table(elf, entry);
		break;
	case DT_GNU_HASH:
		elf->gnu_hash = table(elf, entry);
		break;
	case DT_HASH:
		elf->sysv_hash = table(elf, entry);
		break;
	case DT_VERSYM:
		elf->versions = table(elf, entry);
		break;
	case DT_VERDEF:
		elf->defined_versions = table(elf, entry);
		break;
	case DT_VERDEFNUM:
		elf->defined_len = entry->d_un.d_val;
		break;
	case DT_VERNEED:
		elf->needed_versions = table(elf, entry);
		break;
	case DT_VERNEEDNUM:
		elf->needed_len = entry->d_un.d_val;
		break;
	case DT_RELA:
		elf->relocations[0] = table(elf, entry);
		break;
	case DT_RELASZ:
		elf->relocations_len[0] = entry->d_un.d_val / sizeof(ElfW(Rela));
		break;
	case DT_JMPREL:
		elf->relocations[1] = table(elf, entry);
		break;
	case DT_PLTRELSZ:
		elf->relocations_len[1] = entry->d_un.d_val / sizeof(ElfW(Rela));
		break;
	case DT_RPATH:
	case DT_RUNPATH:
		elf->has_search_path = true;
		break;
	}
}

bool wt_elf_read(struct wt_elf *elf, uintptr_t base, const ElfW(Dyn) * dynamic)
{
	*elf = (struct wt_elf){ .base = base, .dynamic = dynamic, .name = "" };
	if (!dynamic)
		return false;
	for (const ElfW(Dyn) *entry = dynamic; entry->d_tag != DT_NULL; entry++)
		read_entry(elf, entry);
	if (!elf->symbols || !elf->strings || !(elf->gnu_hash || elf->sysv_hash))
		return false;
	for (const ElfW(Dyn) *entry = dynamic; entry->d_tag != DT_NULL; entry++)
		if (entry->d_tag == DT_SONAME)
			elf->name = elf->strings + entry->d_un.d_val;
	return true;
}

/* The name of a version that the object defines, or NULL. */
static const char *defined_version(const struct wt_elf *elf, unsigned int number)
{
	const char *at = (const char *)elf->defined_versions;

	for (unsigned int i = 0; at && i < elf->defined_len; i++) {
		const ElfW(Verdef) *version = (const void *)at;
		const ElfW(Verdaux) *name = (const void *)(at + version->vd_aux);

		if (version->vd_ndx == number)
			return elf->strings + name->vda_name;
		at += version->vd_next;
	}
	return NULL;
}

static bool is_version(const struct wt_elf *elf, uint32_t at, const char *wanted)
{
	unsigned int number = elf->versions ? elf->versions[at] : VERSION_GLOBAL;
	const char *version;

	if (!wanted || (number & ~HIDDEN) <= VERSION_GLOBAL)
		return !(number & HIDDEN);
	version = defined_version(elf, number & ~HIDDEN);
	return version && wt_elf_is_same(version, wanted);
}

static bool is_definition(const struct wt_elf *elf, uint32_t at, const struct wt_elf_name *name)
{
	const ElfW(Sym) *symbol = &elf->symbols[at];
	unsigned int binding = ELF64_ST_BIND(symbol->st_info);

	return symbol->st_shndx != SHN_UNDEF &&
	       (binding == STB_GLOBAL || binding == STB_WEAK || binding == STB_GNU_UNIQUE) &&
	       wt_elf_is_same(elf->strings + symbol->st_name, name->text) &&
	       is_version(elf, at, name->version);
}

/*
 * The index of the symbol that defines the name, or 0, by Bloom filter, buckets and chains of
 * DT_GNU_HASH.
 */
static uint32_t find_gnu(const struct wt_elf *elf, const struct wt_elf_name *name)
{
	uint32_t buckets_len = elf->gnu_hash[0], first = elf->gnu_hash[1];
	uint32_t words_len = elf->gnu_hash[2], shift = elf->gnu_hash[3], hash = name->gnu_hash;
	const ElfW(Addr) *bloom = (const void *)&elf->gnu_hash[4];
	const uint32_t *buckets = (const void *)(bloom + words_len);
	const uint32_t *chains = buckets + buckets_len;
	const unsigned int bits = 8 * sizeof(ElfW(Addr));
	ElfW(Addr) word = bloom[hash / bits & (words_len - 1)];

	if (!(word >> hash % bits & word >> (hash >> shift) % bits & 1) || !buckets_len)
		return 0;
	for (uint32_t at = buckets[hash % buckets_len]; at; at++) {
		uint32_t chained = chains[at - first];

		if ((chained | 1) == (hash | 1) && is_definition(elf, at, name))
			return at;
		if (chained & 1)
			break;
	}
	return 0;
}

static uint32_t find_sysv(const struct wt_elf *elf, const struct wt_elf_name *name)
{
	uint32_t buckets_len = elf->sysv_hash[0];
	const uint32_t *buckets = &elf->sysv_hash[2], *chains = buckets + buckets_len;

	if (!buckets_len)
		return 0;
	for (uint32_t at = buckets[sysv_hash(name->text) % buckets_len]; at; at = chains[at])
		if (is_definition(elf, at, name))
			return at;
	return 0;
}

const ElfW(Sym) * wt_elf_find(const struct wt_elf *elf, const struct wt_elf_name *name)
{
	uint32_t at = elf->gnu_hash ? find_gnu(elf, name) : find_sysv(elf, name);

	return at ? &elf->symbols[at] : NULL;
}

void *wt_elf_address(const struct wt_elf *elf, const ElfW(Sym) * symbol)
{
	uintptr_t address = elf->base + symbol->st_value;
	unsigned int type = ELF64_ST_TYPE(symbol->st_info);
	void *(*choose)(void);

	if (type == STT_TLS)
		return NULL;
	if (type != STT_GNU_IFUNC)
		return (void *)address;
	memcpy(&choose, &address, sizeof(choose));
	return choose();
}

const char *wt_elf_wanted_version(const struct wt_elf *elf, uint32_t symbol)
{
	unsigned int number = elf->versions ? elf->versions[symbol] & ~HIDDEN : 0;
	const char *at = (const char *)elf->needed_versions;

	if (number <= VERSION_GLOBAL)
		return NULL;
	for (unsigned int i = 0; at && i < elf->needed_len; i++) {
		const ElfW(Verneed) *need = (const void *)at;
		const char *auxiliary = at + need->vn_aux;

		for (unsigned int j = 0; j < need->vn_cnt; j++) {
			const ElfW(Vernaux) *version = (const void *)auxiliary;

			if (version->vna_other == number)
				return elf->strings + version->vna_name;
			auxiliary += version->vna_next;
		}
		at += need->vn_next;
	}
	return defined_version(elf, number);
}

bool wt_elf_needs(const struct wt_elf *elf, const char *library)
{
	for (const ElfW(Dyn) *entry = elf->dynamic; entry->d_tag != DT_NULL; entry++)
		if (entry->d_tag == DT_NEEDED &&
		    wt_elf_is_same(elf->strings + entry->d_un.d_val, library))
			return true;
	return false;
}

bool wt_elf_is_address(const ElfW(Rela) * relocation, bool *is_call)
{
	unsigned int type = ELF64_R_TYPE(relocation->r_info);

	*is_call = type == TO_CALL;
	return type == TO_CALL || type == TO_DATA || (type == ABSOLUTE && !relocation->r_addend);
}

struct relro {
	uintptr_t base, start, end;
};

static int find_relro(struct dl_phdr_info *info, size_t size, void *arg)
{
	struct relro *relro = arg;

	(void)size;
	if (info->dlpi_addr != relro->base)
		return 0;
	for (int i = 0; i < info->dlpi_phnum; i++) {
		const ElfW(Phdr) *header = &info->dlpi_phdr[i];

		if (header->p_type != PT_GNU_RELRO)
			continue;
		relro->start = relro->base + header->p_vaddr;
		relro->end = relro->start + header->p_memsz;
	}
	return 1;
}

void wt_elf_store(const struct wt_elf *elf, void *where, const void *value, size_t len)
{
	struct relro relro = { .base = elf->base };
	uintptr_t page = getauxval(AT_PAGESZ), start = wt_round_down((uintptr_t)where, page);
	size_t size = wt_round_up((uintptr_t)where + len, page) - start;

	dl_iterate_phdr(find_relro, &relro);
	bool is_locked = (uintptr_t)where + len > wt_round_down(relro.start, page) &&
			 (uintptr_t)where < wt_round_down(relro.end, page);

	if (is_locked && wt_syscall(SYS_mprotect, start, size, PROT_READ | PROT_WRITE))
		return;
	if (len == sizeof(void *) && !((uintptr_t)where % len))
		__atomic_store_n((uintptr_t *)where, *(const uintptr_t *)value, __ATOMIC_RELEASE);
	else
		memcpy(where, value, len);
	if (is_locked)
		wt_syscall(SYS_mprotect, start, size, PROT_READ);
}
