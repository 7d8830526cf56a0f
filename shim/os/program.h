/* SPDX-License-Identifier: MIT */
/*
 * program - whether the loader will preload libwt into a program that is about to be executed.
 *
 * Neither the kernel nor the loader reports it when they leave a preloaded library out, so the file
 * is read as they read it: its "#!" line, its ELF header, its interpreter, its permissions. Reads a
 * few hundred bytes through a descriptor that is closed before the call returns. No lock and no
 * allocation; safe in a signal handler and in a vfork child.
 */
#ifndef WT_PROGRAM_H
#define WT_PROGRAM_H

#include <stdbool.h>

struct statx;

/* How many interpreters of scripts are followed, one after the other. */
#define WT_PROGRAM_SCRIPTS 5
#define WT_PROGRAM_NAME 256

enum wt_program_kind {
	WT_PROGRAM_DYNAMIC, /* linked dynamically, for the loader that libwt is built for */
	WT_PROGRAM_LOADER,  /* that loader: it preloads into the program that it is given */
	WT_PROGRAM_STATIC,
	WT_PROGRAM_GO, /* linked dynamically, and makes its system calls without a C library */
	WT_PROGRAM_OTHER_LOADER, /* needs another C library's loader, which is `name` */
	WT_PROGRAM_OTHER_MACHINE,
	WT_PROGRAM_DAMAGED,
	WT_PROGRAM_SCRIPT, /* `name` is its interpreter */
	WT_PROGRAM_TEXT,   /* neither ELF nor "#!": execvp(3) gives it to a shell */
	WT_PROGRAM_UNREAD, /* may be executed but not read, or no descriptor was free */
	WT_PROGRAM_KINDS,
};

struct wt_program {
	enum wt_program_kind kind;
	bool has_capabilities;
	unsigned char elf_class;
	unsigned short machine;
	char name[WT_PROGRAM_NAME];
};

/* For what libwt itself is built. */
extern const char wt_program_loader[];
extern const unsigned char wt_program_class;
extern const unsigned short wt_program_machine;

/* Names a file as openat(2) does, with AT_EMPTY_PATH and AT_SYMLINK_NOFOLLOW. */
struct wt_program_at {
	int dirfd;
	const char *path;
	int flags;
};

/* Fills in the file's identity, kind, owner, mode, size and ctime. Returns 0 or -errno. */
int wt_program_stat(const struct wt_program_at *at, struct statx *stx);

/*
 * Whether the permissions and the mount let this process execute the file; true if the kernel does
 * not answer.
 */
bool wt_program_may_run(const struct wt_program_at *at);

/* Says what kind of program the file is. */
void wt_program_read(const struct wt_program_at *at, struct wt_program *program);

enum wt_privilege {
	WT_PRIVILEGE_NONE,
	WT_PRIVILEGE_USER,
	WT_PRIVILEGE_GROUP,
	WT_PRIVILEGE_CAPABILITIES
};

/*
 * The privilege for which the kernel would set AT_SECURE (getauxval(3), capabilities(7)) if this
 * process executed a file with this owner and mode; the loader then ignores LD_PRELOAD. *same_user:
 * whether this process has the effective user and group that it was started with.
 */
enum wt_privilege wt_program_privilege(const struct wt_program_at *at, const struct statx *stx,
				       bool has_capabilities, bool *same_user);

/*
 * Whether the executed program could read and map the library at `path`, which another root, user
 * or mount may hide. `same_user` is from wt_program_privilege: that user could read the library
 * when this program was started.
 */
bool wt_program_may_load(const char *path, bool same_user);

#endif
