/* SPDX-License-Identifier: MIT */
/*
 * Whether the loader will take libwt.so into a program. Where it will not, it
 * says nothing: the program would run as if without libwt.
 */
#define _GNU_SOURCE
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "tool.h"

/* What the kernel reads of a file to find its "#!", and how many it follows. */
#define SCRIPT_HEAD 256
#define SCRIPT_DEPTH 4

/* Where the linker put this program's own header: the library is built like it. */
extern const ElfW(Ehdr) __ehdr_start __attribute__((visibility("hidden")));

struct program {
	const char *command; /* as given */
	const char *path;
	int fd; /* -1: may be run but not read */
	struct stat st;
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

/* As the kernel decides on AT_SECURE, capabilities(7): the ids to come against the real ones. */
static int check_privileges(const struct program *program)
{
	bool setuid = program->st.st_mode & S_ISUID;
	bool setgid = (program->st.st_mode & (S_ISGID | S_IXGRP)) == (S_ISGID | S_IXGRP);
	struct statvfs fs;
	bool nosuid = !statvfs(program->path, &fs) && fs.f_flag & ST_NOSUID;
	uid_t uid = geteuid();
	gid_t gid = getegid();

	if (!nosuid && prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) != 1) {
		uid = setuid ? program->st.st_uid : uid;
		gid = setgid ? program->st.st_gid : gid;
	}
	if (uid != getuid())
		return cannot_run(program, "runs setuid, where the loader takes no preloaded "
					   "library; expected a program that runs as its caller");
	if (gid != getgid())
		return cannot_run(program, "runs setgid, where the loader takes no preloaded "
					   "library; expected a program that runs as its caller");
	if (!nosuid && getuid() && getxattr(program->path, "security.capability", NULL, 0) > 0)
		return cannot_run(program, "has file capabilities, where the loader takes no "
					   "preloaded library; expected a program without them");
	return 0;
}

static const char *base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

/* The loader that this program itself asked for. */
static const char *own_loader(void)
{
	const char *base = (const char *)&__ehdr_start;
	const ElfW(Phdr) *header = (const void *)(base + __ehdr_start.e_phoff);

	for (int i = 0; i < __ehdr_start.e_phnum; i++) {
		if (header[i].p_type == PT_INTERP)
			return base + header[i].p_offset;
	}
	return "";
}

static int check_loader(const struct program *program, const ElfW(Phdr) * header)
{
	char loader[PATH_MAX] = "";

	if (header->p_filesz < sizeof(loader))
		pread(program->fd, loader, header->p_filesz, header->p_offset);
	if (strcmp(base_name(loader), base_name(own_loader())))
		return cannot_run(program,
				  "is built for the loader '%s'; expected %s, as "
				  "libwt.so is",
				  loader, base_name(own_loader()));
	return check_privileges(program);
}

static int check_elf(const struct program *program)
{
	ElfW(Ehdr) elf = { 0 };

	if (pread(program->fd, &elf, sizeof(elf), 0) != sizeof(elf))
		return cannot_run(program, "is a damaged ELF file; expected a program");
	if (elf.e_ident[EI_CLASS] != __ehdr_start.e_ident[EI_CLASS] ||
	    elf.e_ident[EI_DATA] != __ehdr_start.e_ident[EI_DATA] ||
	    elf.e_machine != __ehdr_start.e_machine)
		return cannot_run(program,
				  "is built for another machine (ELF class %d, machine %d); "
				  "expected class %d, machine %d, as libwt.so is",
				  elf.e_ident[EI_CLASS], elf.e_machine,
				  __ehdr_start.e_ident[EI_CLASS], __ehdr_start.e_machine);
	for (int i = 0; i < elf.e_phnum; i++) {
		off_t offset = elf.e_phoff + (off_t)i * elf.e_phentsize;
		ElfW(Phdr) header;

		if (pread(program->fd, &header, sizeof(header), offset) != sizeof(header))
			return cannot_run(program, "is a damaged ELF file; expected a program");
		if (header.p_type == PT_INTERP)
			return check_loader(program, &header);
	}
	return cannot_run(program, "is statically linked, so nothing can be preloaded; "
				   "expected a dynamically linked program");
}

static int open_program(struct program *program)
{
	bool missing;

	program->fd = -1;
	if (!stat(program->path, &program->st) && S_ISDIR(program->st.st_mode))
		return cannot_run(program, "is a directory; expected a program");
	if (!faccessat(AT_FDCWD, program->path, X_OK, AT_EACCESS)) {
		program->fd = open(program->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
		return 0;
	}
	missing = errno == ENOENT || errno == ENOTDIR;
	cannot_run(program, "%s; expected a program", strerror(errno));
	return missing ? WT_EXIT_NOT_FOUND : WT_EXIT_CANNOT_RUN;
}

/* The interpreter that "#!" names, or NULL; a file of neither kind is a shell's, as execvp(3) has
 * it. */
static const char *interpreter(char head[SCRIPT_HEAD + 1])
{
	char *name;

	if (!strncmp(head, ELFMAG, SELFMAG))
		return NULL;
	if (strncmp(head, "#!", 2))
		return "/bin/sh";
	name = head + 2 + strspn(head + 2, " \t");
	name[strcspn(name, " \t\n")] = 0;
	return name;
}

static int check(const char *command, const char *path)
{
	char head[2][SCRIPT_HEAD + 1];

	for (int depth = 0;; depth++) {
		struct program program = { .command = command, .path = path };
		char *text = memset(head[depth % 2], 0, sizeof(head[0]));
		int status = open_program(&program);

		if (status)
			return status;
		if (program.fd < 0)
			return check_privileges(&program);
		if (depth > SCRIPT_DEPTH)
			return cannot_run(&program,
					  "is an interpreter more than %d deep; "
					  "expected fewer",
					  SCRIPT_DEPTH);
		pread(program.fd, text, SCRIPT_HEAD, 0);
		path = interpreter(text);
		if (!path)
			status = check_elf(&program);
		close(program.fd);
		if (!path)
			return status;
	}
}

/* As execvp(3) looks for it: what cannot be run is remembered, and the search goes on. */
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

int wt_tool_program(int argc, char **argv)
{
	if (argc != 1) {
		wt_tool_complain("program: expected one command");
		return WT_EXIT_USAGE;
	}
	return strchr(argv[0], '/') ? check(argv[0], argv[0]) : check_in_path(argv[0]);
}
