/* SPDX-License-Identifier: MIT */
/*
 * The tables of loaded objects: libc's, this program's and the loader's own look-up beside it; and
 * such as no linker here makes, laid out by hand.
 */
#define _GNU_SOURCE
#include <criterion/criterion.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/base.h"
#include "os/elf.h"

#if defined(__x86_64__)
#define JUMP_SLOT R_X86_64_JUMP_SLOT
#define GLOB_DAT R_X86_64_GLOB_DAT
#define ABS64 R_X86_64_64
#define RELATIVE R_X86_64_RELATIVE
#else
#define JUMP_SLOT R_AARCH64_JUMP_SLOT
#define GLOB_DAT R_AARCH64_GLOB_DAT
#define ABS64 R_AARCH64_ABS64
#define RELATIVE R_AARCH64_RELATIVE
#endif

static struct wt_elf libc, program;
static void *libc_handle;

static void setup(void)
{
	libc_handle = dlopen("libc.so.6", RTLD_LAZY | RTLD_NOLOAD);
	const struct link_map *map = libc_handle;

	cr_assert_not_null(map);
	cr_assert(wt_elf_read(&libc, map->l_addr, map->l_ld));
	cr_assert(wt_elf_read(&program, _r_debug.r_map->l_addr, _r_debug.r_map->l_ld));
}

TestSuite(elf, .init = setup);

static void *address_of(const struct wt_elf *elf, const char *text, const char *version)
{
	struct wt_elf_name name = wt_elf_name(text);

	name.version = version;
	const ElfW(Sym) *symbol = wt_elf_find(elf, &name);
	return symbol ? wt_elf_address(elf, symbol) : NULL;
}

/* memcpy chooses itself (STT_GNU_IFUNC), environ is a variable. */
static const char *const names[] = { "write",  "pwritev2", "fopen",    "memcpy", "environ",
				     "stdout", "strlen",   "realpath", "_exit",	 "fork" };

Test(elf, a_symbol_is_where_the_loader_finds_it)
{
	for (size_t i = 0; i < WT_LENGTH(names); i++)
		cr_expect_eq(address_of(&libc, names[i], NULL), dlsym(libc_handle, names[i]), "%s",
			     names[i]);
}

Test(elf, a_symbol_is_found_by_the_older_hash_as_well)
{
	if (!libc.sysv_hash || !libc.gnu_hash)
		cr_skip_test("this machine: libc has one kind of hash table alone");
	libc.gnu_hash = NULL;
	for (size_t i = 0; i < WT_LENGTH(names); i++)
		cr_expect_eq(address_of(&libc, names[i], NULL), dlsym(libc_handle, names[i]), "%s",
			     names[i]);
	cr_expect_null(address_of(&libc, "no_such_function", NULL));
}

Test(elf, what_an_object_does_not_define_is_not_found)
{
	cr_expect_null(address_of(&libc, "no_such_function", NULL));
	cr_expect_null(address_of(&libc, "", NULL));
	cr_expect_null(address_of(&program, "dlopen", NULL), "it only refers to it");
}

Test(elf, a_symbol_of_several_versions_is_the_one_that_is_asked_for)
{
	static const char *const versions[] = { "GLIBC_2.2.5", "GLIBC_2.3", "GLIBC_2.15",
						"GLIBC_2.17" };
	int found = 0;

	for (size_t i = 0; i < WT_LENGTH(versions); i++) {
		void *expected = dlvsym(libc_handle, "realpath", versions[i]);

		found += expected != NULL;
		cr_expect_eq(address_of(&libc, "realpath", versions[i]), expected, "%s",
			     versions[i]);
	}
	cr_expect_geq(found, 1);
	cr_expect_null(address_of(&libc, "realpath", "GLIBC_9.9"));
}

/* The number of the program's reference to it, which stands before what the program defines. */
static uint32_t reference(const char *name)
{
	for (uint32_t i = 1; i < 10000; i++)
		if (!strcmp(program.strings + program.symbols[i].st_name, name))
			return i;
	cr_assert_fail("the program does not refer to it");
	return 0;
}

Test(elf, a_reference_wants_the_version_that_it_was_linked_with)
{
	close(memfd_create("made by glibc 2.27 and later", MFD_CLOEXEC));
	cr_expect_str_eq(wt_elf_wanted_version(&program, reference("memfd_create")), "GLIBC_2.27");
}

Test(elf, a_reference_in_an_object_without_versions_wants_none)
{
	program.versions = NULL;
	cr_expect_null(wt_elf_wanted_version(&program, reference("memfd_create")));
}

Test(elf, the_name_of_an_object_is_its_own)
{
	cr_expect_str_eq(libc.name, "libc.so.6");
	cr_expect_str_eq(program.name, "");
}

Test(elf, a_library_is_needed_that_the_table_names)
{
	cr_expect(wt_elf_needs(&program, "libc.so.6"));
	cr_expect_not(wt_elf_needs(&program, "libc.so"));
	cr_expect_not(wt_elf_needs(&program, "libc.so.66"));
	cr_expect_not(wt_elf_needs(&libc, "libc.so.6"));
}

/* A table by hand: symbols in one chain, as DT_HASH has them. */
enum { LOCAL = 1, WEAK, THREAD_LOCAL, UNDEFINED, OLD, SYMBOLS };

static char strings[] = "\0local\0weak\0thread_local\0undefined\0old\0libhand.so\0/lib";
static int data;
static ElfW(Sym) symbols[SYMBOLS];
static ElfW(Versym) versions[SYMBOLS] = { [OLD] = 0x8000 | 2 };
static uint32_t hash[2 + 1 + SYMBOLS] = { 1,	     SYMBOLS, LOCAL, 0, WEAK, THREAD_LOCAL,
					  UNDEFINED, OLD,     0 };

static ElfW(Word) offset_of(const char *name)
{
	return (char *)memmem(strings, sizeof(strings), name, strlen(name) + 1) - strings;
}

static void define(unsigned int at, const char *name, unsigned int binding, unsigned int type,
		   unsigned int section)
{
	symbols[at] = (ElfW(Sym)){ .st_name = offset_of(name),
				   .st_info = ELF64_ST_INFO(binding, type),
				   .st_shndx = section,
				   .st_value = (uintptr_t)&data };
}

static const ElfW(Dyn) * by_hand(void)
{
	static ElfW(Dyn) dynamic[7];

	define(LOCAL, "local", STB_LOCAL, STT_OBJECT, 1);
	define(WEAK, "weak", STB_WEAK, STT_OBJECT, 1);
	define(THREAD_LOCAL, "thread_local", STB_GLOBAL, STT_TLS, 1);
	define(UNDEFINED, "undefined", STB_GLOBAL, STT_OBJECT, SHN_UNDEF);
	define(OLD, "old", STB_GLOBAL, STT_OBJECT, 1);
	dynamic[0] = (ElfW(Dyn)){ DT_SONAME, { offset_of("libhand.so") } };
	dynamic[1] = (ElfW(Dyn)){ DT_SYMTAB, { (uintptr_t)symbols } };
	dynamic[2] = (ElfW(Dyn)){ DT_STRTAB, { (uintptr_t)strings } };
	dynamic[3] = (ElfW(Dyn)){ DT_HASH, { (uintptr_t)hash } };
	dynamic[4] = (ElfW(Dyn)){ DT_VERSYM, { (uintptr_t)versions } };
	dynamic[5] = (ElfW(Dyn)){ DT_NULL, { 0 } };
	return dynamic;
}

Test(elf, a_symbol_is_found_if_it_is_defined_for_others)
{
	struct wt_elf elf;

	cr_assert(wt_elf_read(&elf, 0, by_hand()));
	cr_expect_eq(address_of(&elf, "weak", NULL), (void *)&data);
	cr_expect_null(address_of(&elf, "local", NULL));
	cr_expect_null(address_of(&elf, "undefined", NULL));
}

Test(elf, a_symbol_that_is_no_default_is_found_by_its_version_alone)
{
	struct wt_elf elf;

	cr_assert(wt_elf_read(&elf, 0, by_hand()));
	cr_expect_null(address_of(&elf, "old", NULL));
	versions[OLD] = 1;
	cr_expect_eq(address_of(&elf, "old", NULL), (void *)&data);
}

Test(elf, a_thread_local_has_no_address)
{
	struct wt_elf_name name = wt_elf_name("thread_local");
	struct wt_elf elf;

	cr_assert(wt_elf_read(&elf, 0, by_hand()));
	const ElfW(Sym) *symbol = wt_elf_find(&elf, &name);
	cr_assert_not_null(symbol);
	cr_expect_null(wt_elf_address(&elf, symbol));
}

/* As the kernel's vdso has them: the loader has added the base to none. */
Test(elf, tables_are_found_by_what_lies_between_them_and_the_base)
{
	uintptr_t base =
		(uintptr_t)strings < (uintptr_t)symbols ? (uintptr_t)strings : (uintptr_t)symbols;
	struct wt_elf elf;

	by_hand();
	base = (uintptr_t)hash < base ? (uintptr_t)hash : base;
	ElfW(Dyn) dynamic[] = {
		{ DT_SYMTAB, { (uintptr_t)symbols - base } },
		{ DT_STRTAB, { (uintptr_t)strings - base } },
		{ DT_HASH, { (uintptr_t)hash - base } },
		{ DT_NULL, { 0 } },
	};
	cr_assert(wt_elf_read(&elf, base, dynamic));
	symbols[WEAK].st_value -= base;
	cr_expect_eq(address_of(&elf, "weak", NULL), (void *)&data);
}

Test(elf, an_object_without_symbols_is_refused)
{
	static const ElfW(Dyn) nothing[] = { { DT_NULL, { 0 } } };
	ElfW(Dyn) *dynamic = (ElfW(Dyn) *)by_hand();
	struct wt_elf elf;

	cr_expect_not(wt_elf_read(&elf, 0, NULL));
	cr_expect_not(wt_elf_read(&elf, 0, nothing));
	dynamic[3].d_tag = DT_DEBUG;
	cr_expect_not(wt_elf_read(&elf, 0, dynamic), "without a hash table");
}

Test(elf, a_search_path_of_its_own_is_seen)
{
	ElfW(Dyn) *dynamic = (ElfW(Dyn) *)by_hand();
	struct wt_elf elf;

	wt_elf_read(&elf, 0, dynamic);
	cr_expect_not(elf.has_search_path);
	dynamic[5] = (ElfW(Dyn)){ DT_RUNPATH, { offset_of("/lib") } };
	wt_elf_read(&elf, 0, dynamic);
	cr_expect(elf.has_search_path);
}

Test(elf, a_relocation_is_an_address_alone_or_none)
{
	static const struct {
		unsigned int type;
		long addend;
		bool is_address, is_call;
	} cases[] = {
		{ JUMP_SLOT, 0, true, true },  { GLOB_DAT, 0, true, false },
		{ ABS64, 0, true, false },     { ABS64, 8, false, false },
		{ RELATIVE, 0, false, false },
	};

	for (size_t i = 0; i < WT_LENGTH(cases); i++) {
		ElfW(Rela) relocation = { 0, ELF64_R_INFO(1, cases[i].type), cases[i].addend };
		bool is_call;

		cr_expect_eq(wt_elf_is_address(&relocation, &is_call), cases[i].is_address,
			     "case %zu", i);
		cr_expect_eq(is_call, cases[i].is_call, "case %zu", i);
	}
}

/* Pointers, which the loader fills before it makes them read-only. */
static const char *const locked[64] = { "before", [63] = "last" };

/* The kernel answers for the page, where a store would end the test. */
static bool can_be_written(const void *at)
{
	int fd = open("/dev/zero", O_RDONLY | O_CLOEXEC);
	char byte = *(const char *)at;
	bool can = read(fd, (void *)at, 1) == 1;

	if (can)
		*(char *)at = byte;
	close(fd);
	return can;
}

Test(elf, an_address_is_stored_where_the_loader_has_made_the_page_read_only)
{
	const char *const volatile *place = locked;
	const char *value = "after";

	cr_assert_not(can_be_written(locked), "the test shows nothing");
	wt_elf_store(&program, (void *)locked, &value, sizeof(value));
	cr_expect_str_eq(place[0], "after");
	cr_expect_str_eq(place[63], "last");
	cr_expect_not(can_be_written(locked), "it is read-only as before");
}

Test(elf, bytes_are_stored_at_any_place)
{
	static char bytes[] = "abcdefgh";

	wt_elf_store(&program, bytes + 1, "123", 3);
	cr_expect_str_eq(bytes, "a123efgh");
	cr_expect(can_be_written(bytes), "and what could be written still can");
}
