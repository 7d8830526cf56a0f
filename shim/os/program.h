/* SPDX-License-Identifier: MIT */
/*
 * program - what becomes of a preloaded library in a program that is about to be executed.
 *
 * The kernel and the loader say nothing where they leave the library out, so the file is read as
 * they read it: its "#!", its ELF header, its interpreter, its rights. Reads a few hundred bytes by
 * a descriptor that is closed before the call returns. No lock and no allocation; safe in a signal
 * handler and in a vfork child.
 */
#ifndef WT_PROGRAM_H
#define WT_PROGRAM_H

#include <stdbool.h>

struct statx;

/* The interpreters that the kernel follows, one behind the other. */
#define WT_PROGRAM_SCRIPTS 5
#define WT_PROGRAM_NAME 256

enum wt_program_kind {
	WT_PROGRAM_DYNAMIC, /* linked dynamically, for the loader that libwt is built for */
	WT_PROGRAM_LOADER,  /* that loader: it takes a preload into the program that it is told */
	WT_PROGRAM_STATIC,
	WT_PROGRAM_GO,		 /* makes its system calls without a C library, static or not */
	WT_PROGRAM_OTHER_LOADER, /* of another C library; `name` is the loader that it asks for */
	WT_PROGRAM_OTHER_MACHINE,
	WT_PROGRAM_DAMAGED,
	WT_PROGRAM_SCRIPT, /* `name` is its interpreter */
	WT_PROGRAM_TEXT,   /* neither ELF nor "#!": a shell's, where execvp(3) executes it */
	WT_PROGRAM_UNREAD, /* may be executed but not read, or no descriptor was to be had */
	WT_PROGRAM_KINDS,
};

struct wt_program {
	enum wt_program_kind kind;
	bool has_capabilities;
	unsigned char elf_class;
	unsigned short machine;
	char name[WT_PROGRAM_NAME];
};

/* What libwt itself is built for. */
extern const char wt_program_loader[];
extern const unsigned char wt_program_class;
extern const unsigned short wt_program_machine;

/* How a file is named: as by openat(2), with AT_EMPTY_PATH and AT_SYMLINK_NOFOLLOW. */
struct wt_program_at {
	int dirfd;
	const char *path;
	int flags;
};

/* Its identity, kind, owner and mode. 0 or -errno. */
int wt_program_stat(const struct wt_program_at *at, struct statx *stx);

/* Whether the kernel would let this process execute it, as far as rights and mounts go. */
bool wt_program_may_run(const struct wt_program_at *at);

void wt_program_read(const struct wt_program_at *at, struct wt_program *program);

enum wt_privilege {
	WT_PRIVILEGE_NONE,
	WT_PRIVILEGE_USER,
	WT_PRIVILEGE_GROUP,
	WT_PRIVILEGE_CAPABILITIES
};

/*
 * Which privilege makes the kernel set AT_SECURE, capabilities(7), for a program with this owner
 * and mode that this process executes; the loader then takes no preload.
 */
enum wt_privilege wt_program_privilege(const struct wt_program_at *at, const struct statx *stx,
				       bool has_capabilities, bool *same_user);

/*
 * Whether this process could map the library at `path` to execute it. The user who started this
 * program could read it; `same_user`, as wt_program_privilege found it, says that it is the same.
 */
bool wt_program_may_load(const char *path, bool same_user);

#endif
