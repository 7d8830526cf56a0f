/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#include "os/fd_path.h"
#include "os/program.h"

#include <elf.h>
#include <link.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/base.h"
#include "os/raw.h"
#include "os/sys.h"

#if defined(__x86_64__)
#define LOADER "ld-linux-x86-64.so.2"
#define MACHINE EM_X86_64
#elif defined(__aarch64__)
#define LOADER "ld-linux-aarch64.so.1"
#define MACHINE EM_AARCH64
#else
#error "libwt needs the name of this architecture's loader: add it here"
#endif

const char wt_program_loader[] = LOADER;
const unsigned char wt_program_class = sizeof(void *) == 8 ? ELFCLASS64 : ELFCLASS32;
const unsigned short wt_program_machine = MACHINE;

/*
 * In a linked program the ELF header, the program headers and the loader's name lie in the first
 * bytes.
 */
#define HEAD_BYTES 1024
#define SCRIPT_HEAD 256 /* what the kernel reads of a script (BINPRM_BUF_SIZE) */
#define NAMES_BYTES 512

struct head {
	int fd;
	size_t len;
	char bytes[HEAD_BYTES];
};

static int status_flags(const struct wt_program_at *at)
{
	return at->flags & (AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW);
}

int wt_program_stat(const struct wt_program_at *at, struct statx *stx)
{
	return wt_sys.statx(at->dirfd, at->path, status_flags(at),
			    STATX_TYPE | STATX_MODE | STATX_UID | STATX_GID | STATX_INO |
				    STATX_SIZE | STATX_CTIME,
			    stx);
}

/*
 * Whether the kernel denied the access. A refusal of the call itself, by an old kernel or a
 * sandbox, says nothing about the file.
 */
static bool is_denied(long ret)
{
	return ret && !wt_sys_is_refusal(-errno);
}

bool wt_program_may_run(const struct wt_program_at *at)
{
	return !is_denied(wt_syscall(SYS_faccessat2, at->dirfd, at->path, X_OK,
				     AT_EACCESS | status_flags(at)));
}

/*
 * Whether the file is named by its descriptor alone. The path is read only if AT_EMPTY_PATH says
 * that it may be empty: without that flag its memory may not be mapped, which the kernel answers.
 */
static bool is_descriptor(const struct wt_program_at *at)
{
	return at->flags & AT_EMPTY_PATH && (!at->path || !*at->path);
}

static int open_program(const struct wt_program_at *at)
{
	int flags = O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY;

	if (at->flags & AT_SYMLINK_NOFOLLOW)
		flags |= O_NOFOLLOW;
	if (!is_descriptor(at))
		return wt_sys.openat(at->dirfd, at->path, flags);
	char path[WT_FD_PATH_LINK_BYTES];
	wt_fd_path_link(at->dirfd, path);
	return wt_sys.open(path, flags, 0);
}

/* Reads exactly `len` bytes of the file, from the head that was read before if they lie there. */
static bool read_at(const struct head *head, void *to, size_t len, uint64_t offset)
{
	if (offset <= head->len && len <= head->len - offset) {
		memcpy(to, head->bytes + offset, len);
		return true;
	}
	return wt_syscall(SYS_pread64, head->fd, to, len, offset) == (long)len;
}

static const char *base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

static void read_loader(const struct head *head, const ElfW(Phdr) * header,
			struct wt_program *program)
{
	size_t len = header->p_filesz;

	if (len >= sizeof(program->name) || !read_at(head, program->name, len, header->p_offset))
		len = 0;
	program->name[len] = '\0';
	program->kind = strcmp(base_name(program->name), LOADER) ? WT_PROGRAM_OTHER_LOADER
								 : WT_PROGRAM_DYNAMIC;
}

/* The program headers are read one at a time, because the thread's stack may be small. */
struct headers {
	const struct head *head;
	uint64_t offset;
	size_t len;
};

static bool header_at(const struct headers *headers, size_t index, ElfW(Phdr) * header)
{
	return index < headers->len && read_at(headers->head, header, sizeof(*header),
					       headers->offset + index * sizeof(*header));
}

static bool holds(const struct head *head, uint64_t offset, uint64_t len, const char *what,
		  size_t what_len)
{
	char bytes[NAMES_BYTES];

	len = len < sizeof(bytes) ? len : sizeof(bytes);
	return read_at(head, bytes, len, offset) && memmem(bytes, len, what, what_len);
}

/*
 * A Go program has a note named "Go", which its linker may be told to leave out, and a section
 * .go.buildinfo, which is found until the program is stripped of its sections' names.
 */
static bool has_go_section(const struct head *head, const ElfW(Ehdr) * elf)
{
	static const char go_section[] = ".go.buildinfo";
	ElfW(Shdr) names;

	return elf->e_shstrndx != SHN_UNDEF && elf->e_shentsize == sizeof(names) &&
	       read_at(head, &names, sizeof(names),
		       elf->e_shoff + elf->e_shstrndx * sizeof(names)) &&
	       holds(head, names.sh_offset, names.sh_size, go_section, sizeof(go_section) - 1);
}

static bool is_go_note(const struct head *head, const ElfW(Phdr) * header)
{
	static const char go_note[] = "\4\0\0\0Go\0"; /* type 4, the name "Go" */

	return header->p_type == PT_NOTE &&
	       holds(head, header->p_offset, header->p_filesz, go_note, sizeof(go_note));
}

/* The offset in the file of what the program finds at `address`; 0 if it is not in the file. */
static uint64_t offset_of(const struct headers *headers, uint64_t address)
{
	ElfW(Phdr) header;

	for (size_t i = 0; header_at(headers, i, &header); i++)
		if (header.p_type == PT_LOAD && address >= header.p_vaddr &&
		    address - header.p_vaddr < header.p_filesz)
			return header.p_offset + (address - header.p_vaddr);
	return 0;
}

/*
 * Whether this is the loader, which is linked as a library is: without an interpreter, but with a
 * DT_SONAME.
 */
static bool is_loader(const struct headers *headers, const ElfW(Phdr) * dynamic)
{
	char soname[sizeof(LOADER)];
	ElfW(Dyn) entry;
	uint64_t strings = 0, name = 0;

	for (uint64_t at = 0; at + sizeof(entry) <= dynamic->p_filesz; at += sizeof(entry)) {
		if (!read_at(headers->head, &entry, sizeof(entry), dynamic->p_offset + at) ||
		    entry.d_tag == DT_NULL)
			break;
		if (entry.d_tag == DT_STRTAB)
			strings = offset_of(headers, entry.d_un.d_ptr);
		if (entry.d_tag == DT_SONAME)
			name = entry.d_un.d_val;
	}
	return strings && name && read_at(headers->head, soname, sizeof(soname), strings + name) &&
	       !memcmp(soname, LOADER, sizeof(soname));
}

static void read_headers(const struct headers *headers, const ElfW(Ehdr) * elf,
			 struct wt_program *program)
{
	ElfW(Phdr) header, dynamic = { 0 };
	bool goes = false;

	program->kind = WT_PROGRAM_STATIC;
	for (size_t i = 0; header_at(headers, i, &header); i++) {
		if (header.p_type == PT_INTERP)
			read_loader(headers->head, &header, program);
		if (header.p_type == PT_DYNAMIC)
			dynamic = header;
		goes = goes || is_go_note(headers->head, &header);
	}
	if (program->kind == WT_PROGRAM_STATIC && is_loader(headers, &dynamic))
		program->kind = WT_PROGRAM_LOADER;
	else if (program->kind == WT_PROGRAM_DYNAMIC &&
		 (goes || has_go_section(headers->head, elf)))
		program->kind = WT_PROGRAM_GO;
}

static void read_elf(const struct head *head, struct wt_program *program)
{
	ElfW(Ehdr) elf;
	ElfW(Phdr) first;

	program->kind = WT_PROGRAM_DAMAGED;
	if (!read_at(head, &elf, sizeof(elf), 0))
		return;
	program->elf_class = elf.e_ident[EI_CLASS];
	program->machine = elf.e_machine;
	if (program->elf_class != wt_program_class || elf.e_machine != MACHINE) {
		program->kind = WT_PROGRAM_OTHER_MACHINE;
		return;
	}
	struct headers headers = { head, elf.e_phoff, elf.e_phnum };
	if (elf.e_phentsize == sizeof(first) && header_at(&headers, 0, &first))
		read_headers(&headers, &elf, program);
}

static void read_script(const struct head *head, struct wt_program *program)
{
	size_t len = head->len < SCRIPT_HEAD ? head->len : SCRIPT_HEAD - 1;
	size_t start = 2, end;

	while (start < len && strchr(" \t", head->bytes[start]))
		start++;
	for (end = start; end < len && !strchr(" \t\n", head->bytes[end]); end++)
		;
	memcpy(program->name, head->bytes + start, end - start);
	program->name[end - start] = '\0';
	program->kind = WT_PROGRAM_SCRIPT;
}

void wt_program_read(const struct wt_program_at *at, struct wt_program *program)
{
	static const char attribute[] = "security.capability";
	int opened = open_program(at);
	/* Without /proc, a descriptor that the caller gave is tried itself. */
	struct head head = { .fd = opened < 0 && is_descriptor(at) ? at->dirfd : opened };

	program->name[0] = '\0';
	program->has_capabilities =
		opened >= 0 ? wt_syscall(SYS_fgetxattr, opened, attribute, NULL, 0) > 0
			    : at->dirfd == AT_FDCWD &&
				      wt_syscall(SYS_getxattr, at->path, attribute, NULL, 0) > 0;
	ssize_t len =
		head.fd < 0 ? -1 : wt_syscall(SYS_pread64, head.fd, head.bytes, HEAD_BYTES, 0);
	head.len = len < 0 ? 0 : len;
	program->kind = len < 0 ? WT_PROGRAM_UNREAD : WT_PROGRAM_TEXT;
	if (head.len >= SELFMAG && !memcmp(head.bytes, ELFMAG, SELFMAG))
		read_elf(&head, program);
	else if (head.len >= 2 && !memcmp(head.bytes, "#!", 2))
		read_script(&head, program);
	if (opened >= 0)
		wt_sys.close(opened);
}

static bool is_nosuid(const struct wt_program_at *at)
{
	struct statfs fs;
	int opened =
		is_descriptor(at) ? -1 : wt_sys.openat(at->dirfd, at->path, O_PATH | O_CLOEXEC);
	bool nosuid =
		!wt_sys.fstatfs(opened < 0 ? at->dirfd : opened, &fs) && fs.f_flags & ST_NOSUID;

	if (opened >= 0)
		wt_sys.close(opened);
	return nosuid;
}

enum wt_privilege wt_program_privilege(const struct wt_program_at *at, const struct statx *stx,
				       bool has_capabilities, bool *same_user)
{
	bool setuid = stx->stx_mode & S_ISUID;
	bool setgid = (stx->stx_mode & (S_ISGID | S_IXGRP)) == (S_ISGID | S_IXGRP);
	uid_t uid, own_uid, saved_uid;
	gid_t gid, own_gid, saved_gid;

	getresuid(&own_uid, &uid, &saved_uid);
	getresgid(&own_gid, &gid, &saved_gid);
	*same_user = uid == getauxval(AT_EUID) && gid == getauxval(AT_EGID);

	if (unlikely(setuid || setgid || has_capabilities)) {
		bool nosuid = is_nosuid(at);

		has_capabilities = has_capabilities && !nosuid;
		if (nosuid || prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1)
			setuid = setgid = false;
		uid = setuid ? stx->stx_uid : uid;
		gid = setgid ? stx->stx_gid : gid;
	}
	if (uid != own_uid)
		return WT_PRIVILEGE_USER;
	if (gid != own_gid)
		return WT_PRIVILEGE_GROUP;
	return own_uid && has_capabilities ? WT_PRIVILEGE_CAPABILITIES : WT_PRIVILEGE_NONE;
}

bool wt_program_may_load(const char *path, bool same_user)
{
	struct statfs fs;

	bool answered = !wt_syscall(SYS_statfs, path, &fs);
	if (answered ? fs.f_flags & ST_NOEXEC : is_denied(-1))
		return false;
	/*
	 * This call checks the real ids, and without the capabilities that an exec takes from all
	 * users but root.
	 */
	return same_user || !is_denied(wt_syscall(SYS_faccessat, AT_FDCWD, path, R_OK));
}
