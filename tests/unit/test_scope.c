/* SPDX-License-Identifier: MIT */
/*
 * The order of the objects that a program was started with. The loader's list is exchanged for one
 * of the test's own making, in which this program's tables stand in libwt's place.
 */
#define _GNU_SOURCE
#include <criterion/criterion.h>
#include <dlfcn.h>
#include <string.h>

#include "base/base.h"
#include "os/scope.h"

#define OBJECTS 8

extern ElfW(Dyn) _DYNAMIC[] __attribute__((visibility("hidden")));

/* An object with a name, the names that it needs, and some symbols nobody looks at. */
struct object {
	ElfW(Dyn) dynamic[8];
	char strings[256];
	struct link_map map;
};

static struct object objects[OBJECTS];
static size_t objects_len;
static const ElfW(Sym) no_symbols[1];
static const uint32_t no_hash[4] = { 1 };

static ElfW(Addr) add_string(struct object *object, const char *text)
{
	size_t at = 1;

	while (object->strings[at])
		at += strlen(object->strings + at) + 1;
	strcpy(object->strings + at, text);
	return at;
}

static struct object *add(const char *path)
{
	struct object *object = &objects[objects_len++];

	object->map = (struct link_map){ .l_name = (char *)path, .l_ld = object->dynamic };
	if (objects_len > 1) {
		objects[objects_len - 2].map.l_next = &object->map;
		object->map.l_prev = &objects[objects_len - 2].map;
	}
	return object;
}

/* `needs` is a list that NULL ends. */
static void add_library(const char *path, const char *name, const char *const *needs)
{
	struct object *object = add(path);
	ElfW(Dyn) *entry = object->dynamic;

	*entry++ = (ElfW(Dyn)){ DT_SYMTAB, { (uintptr_t)no_symbols } };
	*entry++ = (ElfW(Dyn)){ DT_STRTAB, { (uintptr_t)object->strings } };
	*entry++ = (ElfW(Dyn)){ DT_HASH, { (uintptr_t)no_hash } };
	if (name)
		*entry++ = (ElfW(Dyn)){ DT_SONAME, { add_string(object, name) } };
	for (; needs && *needs; needs++)
		*entry++ = (ElfW(Dyn)){ DT_NEEDED, { add_string(object, *needs) } };
}

static void add_libwt(void)
{
	struct link_map *map = &add("/usr/lib/libwt.so")->map;

	map->l_addr = _r_debug.r_map->l_addr;
	map->l_ld = _DYNAMIC;
}

static struct link_map *loaders;

/* To be undone before anything else may ask the loader. */
static void exchange(void)
{
	loaders = _r_debug.r_map;
	_r_debug.r_map = &objects[0].map;
}

static void exchange_back(void)
{
	_r_debug.r_map = loaders;
}

static const char *const program_needs[] = { "libapp.so.1", "libc.so.6", NULL };

/* A program with libwt preloaded between two other libraries. */
static void add_all(void)
{
	add_library("", NULL, program_needs);
	add_library("/opt/libfirst.so", "libfirst.so", NULL);
	add_libwt();
	add_library("/opt/libsecond.so", "libsecond.so", NULL);
	add_library("/lib/libapp.so.1", "libapp.so.1", NULL);
	add_library("/lib/libc.so.6", "libc.so.6", NULL);
}

static struct {
	const char *name;
	enum wt_scope_kind kind;
} seen[OBJECTS];

static size_t walk(bool from_start)
{
	size_t len = 0;

	exchange();
	struct wt_scope_walk walk = wt_scope_begin(from_start);
	for (; len < OBJECTS && wt_scope_next(&walk); len++) {
		seen[len].name = walk.elf.name;
		seen[len].kind = walk.kind;
	}
	exchange_back();
	return len;
}

static void expect(size_t at, const char *name, enum wt_scope_kind kind)
{
	cr_expect_str_eq(seen[at].name, name);
	cr_expect_eq(seen[at].kind, kind, "%s: %d", name, seen[at].kind);
}

Test(scope, libraries_preloaded_behind_libwt_are_told_from_the_program_s)
{
	add_all();
	cr_assert_eq(walk(true), 5u);
	expect(0, "", WT_SCOPE_AHEAD);
	expect(1, "libfirst.so", WT_SCOPE_AHEAD);
	expect(2, "libsecond.so", WT_SCOPE_STACKED);
	expect(3, "libapp.so.1", WT_SCOPE_FOREIGN);
	expect(4, "libc.so.6", WT_SCOPE_LIBC);
}

Test(scope, what_stands_ahead_is_passed_over)
{
	add_all();
	cr_assert_eq(walk(false), 3u);
	expect(0, "libsecond.so", WT_SCOPE_STACKED);
	expect(2, "libc.so.6", WT_SCOPE_LIBC);
}

Test(scope, a_library_without_a_name_is_needed_by_its_path_or_file)
{
	static const char *const needs[] = { "plugins/libone.so", "libtwo.so", NULL };

	add_library("", NULL, needs);
	add_libwt();
	add_library("plugins/libone.so", NULL, NULL);
	cr_assert_eq(walk(false), 1u);
	cr_expect_eq(seen[0].kind, WT_SCOPE_FOREIGN);
	objects_len = 2;
	add_library("/opt/libtwo.so", NULL, NULL);
	cr_assert_eq(walk(false), 1u);
	cr_expect_eq(seen[0].kind, WT_SCOPE_FOREIGN);
	objects_len = 2;
	add_library("/opt/libthree.so", NULL, NULL);
	cr_assert_eq(walk(false), 1u);
	cr_expect_eq(seen[0].kind, WT_SCOPE_STACKED);
}

Test(scope, behind_libc_libwt_has_no_place)
{
	add_library("", NULL, program_needs);
	add_library("/lib/libc.so.6", "libc.so.6", NULL);
	add_libwt();
	exchange();
	struct wt_scope scope = wt_scope();
	exchange_back();
	cr_expect_null(scope.own);
	cr_expect_eq(walk(false), 3u);
}

Test(scope, an_object_without_symbols_is_passed_over)
{
	add_library("", NULL, program_needs);
	add_libwt();
	add("/lib/libempty.so");
	add_library("/lib/libc.so.6", "libc.so.6", NULL);
	cr_assert_eq(walk(false), 1u);
	expect(0, "libc.so.6", WT_SCOPE_LIBC);
}

Test(scope, a_walk_ends_with_the_last_object_of_the_start)
{
	add_all();
	cr_expect_not(wt_scope_is_closed());
	exchange();
	wt_scope_close();
	exchange_back();
	cr_expect(wt_scope_is_closed());
	cr_expect_eq(wt_scope_len(), 6u);
	add_library("/opt/libplugin.so", "libplugin.so", NULL);
	cr_expect_eq(walk(true), 5u);
}

Test(scope, an_address_lies_in_the_object_around_it)
{
	int here;
	struct wt_scope_place place = wt_scope_place(dlsym(RTLD_DEFAULT, "fsync"));

	cr_assert(place.is_found);
	cr_expect_str_eq(place.elf.name, "libc.so.6");
	place = wt_scope_place(objects);
	cr_assert(place.is_found);
	cr_expect_str_eq(place.elf.name, "", "this program's");
	cr_expect_not(wt_scope_place(&here).is_found, "a stack is no object's");
}

Test(scope, a_function_is_owned_by_the_library_that_libwt_stands_before)
{
	static const struct {
		const char *library, *name;
		bool owns;
	} cases[] = {
		{ "libc.so.6", "write", true },
		{ "libpthread.so.0", "write", true },
		{ "ld-linux-x86-64.so.2", "dlopen", true },
		{ "libc.so", "write", false },
		{ "libcrypt.so.1", "write", false },
		{ "", "write", false },
		{ "liburing.so.2", "io_uring_enter", true },
		{ "liburing-ffi.so.2", "io_uring_enter", true },
		{ "liburing.so.2", "write", false },
		{ "libc.so.6", "io_uring_enter", false },
		{ "libaio.so.1", "io_submit", true },
		{ "libc.so.6", "io_submit", false },
		{ "libaio.so.1", "io_submit_more", false },
	};

	for (size_t i = 0; i < WT_LENGTH(cases); i++)
		cr_expect_eq(wt_scope_owns(cases[i].library, cases[i].name), cases[i].owns,
			     "%s of %s", cases[i].name, cases[i].library);
}

Test(scope, names_of_requests_to_the_kernel_are_not_libc_s)
{
	cr_expect(wt_scope_is_not_libcs("io_submit"));
	cr_expect(wt_scope_is_not_libcs("io_uring_submit"));
	cr_expect_not(wt_scope_is_not_libcs("io_uring"));
	cr_expect_not(wt_scope_is_not_libcs("aio_write"));
}
