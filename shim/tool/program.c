/* SPDX-License-Identifier: MIT */
/*
 * Whether the loader will take libwt.so into a program. If it will not, it says nothing, and the
 * program would run as if without libwt.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "os/program.h"
#include "tool/tool.h"

struct program {
	const char *command; /* as the user gave it */
	const char *path;
	struct statx stx;
	struct wt_program file;
};

static int cannot_run(const struct program *program, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

static int cannot_run(const struct program *program, const char *format, ...)
{
	char what[PATH_MAX + 512];
	va_list args;

	va_start(args, format);
	vsnprintf(what, sizeof(what), format, args);
	va_end(args);
	if (strcmp(program->command, program->path))
		wt_tool_complain("%s: %s: %s", program->command, program->path, what);
	else
		wt_tool_complain("%s: %s", program->path, what);
	return WT_EXIT_CANNOT_RUN;
}

static bool is_strict(void)
{
	const char *strict = getenv("WT_STRICT");

	return strict && *strict && strcmp(strict, "0");
}

static int check_privileges(const struct program *program)
{
	static const char *const words[] = {
		[WT_PRIVILEGE_USER] = "runs setuid, where the loader takes no preloaded library; "
				      "expected a program that runs as its caller",
		[WT_PRIVILEGE_GROUP] = "runs setgid, where the loader takes no preloaded library; "
				       "expected a program that runs as its caller",
		[WT_PRIVILEGE_CAPABILITIES] = "has file capabilities, where the loader takes no "
					      "preloaded library; expected a program without them",
	};
	const struct wt_program_at at = { AT_FDCWD, program->path, 0 };
	bool same_user;
	enum wt_privilege privilege = wt_program_privilege(
		&at, &program->stx, program->file.has_capabilities, &same_user);

	return privilege ? cannot_run(program, "%s", words[privilege]) : 0;
}

static int check_file(const struct program *program)
{
	const struct wt_program *file = &program->file;

	switch (file->kind) {
	case WT_PROGRAM_STATIC:
		return cannot_run(program, "is statically linked, so nothing can be preloaded; "
					   "expected a dynamically linked program");
	case WT_PROGRAM_GO:
		/* What its C libraries write, if it has any, is covered. */
		cannot_run(program, "is a Go program, which makes its system calls itself: what it "
				    "writes is not covered; expected a program that makes them by "
				    "the C library");
		return is_strict() ? WT_EXIT_CANNOT_RUN : check_privileges(program);
	case WT_PROGRAM_OTHER_LOADER:
		return cannot_run(program,
				  "is built for the loader '%s'; expected %s, as libwt.so is",
				  file->name, wt_program_loader);
	case WT_PROGRAM_OTHER_MACHINE:
		return cannot_run(program,
				  "is built for another machine (ELF class %d, machine %d); "
				  "expected class %d, machine %d, as libwt.so is",
				  file->elf_class, file->machine, wt_program_class,
				  wt_program_machine);
	case WT_PROGRAM_DAMAGED:
		return cannot_run(program, "is a damaged ELF file; expected a program");
	default:
		return check_privileges(program);
	}
}

static int look_at(struct program *program)
{
	const struct wt_program_at at = { AT_FDCWD, program->path, 0 };
	int err = wt_program_stat(&at, &program->stx);

	if (!err && S_ISDIR(program->stx.stx_mode))
		return cannot_run(program, "is a directory; expected a program");
	if (!err && !wt_program_may_run(&at))
		err = -errno;
	if (!err) {
		wt_program_read(&at, &program->file);
		return 0;
	}
	cannot_run(program, "%s; expected a program", strerror(-err));
	return err == -ENOENT || err == -ENOTDIR ? WT_EXIT_NOT_FOUND : WT_EXIT_CANNOT_RUN;
}

static int check(const char *command, const char *path)
{
	struct program program = { .command = command, .path = path };
	char name[WT_PROGRAM_NAME];

	for (int depth = 0;; depth++) {
		int status = look_at(&program);

		if (status)
			return status;
		if (depth == WT_PROGRAM_SCRIPTS)
			return cannot_run(&program,
					  "is an interpreter more than %d deep; expected fewer",
					  WT_PROGRAM_SCRIPTS - 1);
		if (program.file.kind == WT_PROGRAM_TEXT)
			program.path = "/bin/sh";
		else if (program.file.kind == WT_PROGRAM_SCRIPT)
			program.path = strcpy(name, program.file.name);
		else
			return check_file(&program);
	}
}

/* Searches PATH as execvp(3) does: the search goes on behind a file that cannot be executed. */
static int check_in_path(const char *command)
{
	const char *dirs = getenv("PATH");
	bool denied = false;
	char standard[256], path[PATH_MAX];

	if (!dirs) {
		confstr(_CS_PATH, standard, sizeof(standard));
		dirs = standard;
	}
	for (;;) {
		int len = strcspn(dirs, ":");
		struct stat st;

		snprintf(path, sizeof(path), "%.*s%s%s", len, dirs, len ? "/" : "./", command);
		if (!stat(path, &st) && S_ISREG(st.st_mode)) {
			if (!faccessat(AT_FDCWD, path, X_OK, AT_EACCESS))
				return check(path, path);
			denied = true;
		}
		if (!dirs[len])
			break;
		dirs += len + 1;
	}
	wt_tool_complain(denied ? "%s: is not executable; expected a program"
				: "%s: not found; expected a program",
			 command);
	return denied ? WT_EXIT_CANNOT_RUN : WT_EXIT_NOT_FOUND;
}

static int check_library(const char *path)
{
	if (wt_program_may_load(path, false))
		return 0;
	wt_tool_complain("%s: cannot be loaded from there: %s", path,
			 access(path, R_OK)
				 ? strerror(errno)
				 : "the mount is noexec (of a unit, NoExecPaths=); expected "
				   "one that allows to execute (ExecPaths=)");
	return WT_EXIT_CANNOT_RUN;
}

int wt_tool_program(int argc, char **argv)
{
	if (argc < 2) {
		wt_tool_complain("program: expected a library and a command");
		return WT_EXIT_USAGE;
	}
	int status = check_library(argv[0]);
	if (!status)
		status = strchr(argv[1], '/') ? check(argv[1], argv[1]) : check_in_path(argv[1]);
	if (status || !is_strict())
		return status;
	const char *why = wt_tool_wrapper(argv + 1);
	if (why)
		wt_tool_complain("%s: %s", argv[1], why);
	return why ? WT_EXIT_CANNOT_RUN : 0;
}
