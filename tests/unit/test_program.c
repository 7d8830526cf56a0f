/* SPDX-License-Identifier: MIT */
/*
 * What becomes of a preloaded library in an executed program, by the program's file: files of every
 * kind, made by hand, and real ones; with the rights of root and of others.
 */
#define _GNU_SOURCE
#include <criterion/criterion.h>
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <limits.h>
#include <link.h>
#include <sched.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/base.h"
#include "child.h"
#include "os/program.h"
#include "scratch.h"
#include "small_elf.h"

#define NOBODY 65534

static struct wt_program program;

TestSuite(program, .init = scratch_make, .fini = scratch_remove);

static struct wt_program_at by_path(const char *path)
{
	return (struct wt_program_at){ AT_FDCWD, path, 0 };
}

static enum wt_program_kind kind_of(const char *path)
{
	const struct wt_program_at at = by_path(path);

	wt_program_read(&at, &program);
	return program.kind;
}

static enum wt_program_kind kind_of_bytes(const void *bytes, size_t len)
{
	return kind_of(scratch_write("program", bytes, len));
}

static enum wt_program_kind kind_of_elf(const struct small_elf *elf)
{
	return kind_of(small_elf_write("program", elf));
}

static void need_root(void)
{
	if (geteuid())
		cr_skip_test("this machine: not root");
}

Test(program, one_for_the_loader_of_this_machine_is_dynamic)
{
	cr_expect_eq(kind_of("/proc/self/exe"), WT_PROGRAM_DYNAMIC);
	cr_expect_eq(kind_of_elf(&(struct small_elf){ .interpreter = small_elf_loader() }),
		     WT_PROGRAM_DYNAMIC);
	cr_expect_str_eq(program.name, small_elf_loader());
}

Test(program, one_for_the_same_loader_elsewhere_is_dynamic)
{
	char path[PATH_MAX];

	strcpy(path, "/opt/other/");
	strcat(path, wt_program_loader);
	cr_expect_eq(kind_of_elf(&(struct small_elf){ .interpreter = path }), WT_PROGRAM_DYNAMIC);
}

Test(program, the_loader_itself_is_told)
{
	cr_expect_eq(kind_of(small_elf_loader()), WT_PROGRAM_LOADER);
	cr_expect_eq(kind_of_elf(&(struct small_elf){ .soname = wt_program_loader }),
		     WT_PROGRAM_LOADER);
}

Test(program, one_without_an_interpreter_is_static)
{
	cr_expect_eq(kind_of_elf(&(struct small_elf){ 0 }), WT_PROGRAM_STATIC);
	cr_expect_eq(kind_of_elf(&(struct small_elf){ .soname = "libother.so" }),
		     WT_PROGRAM_STATIC);
}

Test(program, one_for_the_loader_of_another_c_library_names_it)
{
	cr_expect_eq(kind_of_elf(&(struct small_elf){ .interpreter = "/lib/ld-musl.so.1" }),
		     WT_PROGRAM_OTHER_LOADER);
	cr_expect_str_eq(program.name, "/lib/ld-musl.so.1");
}

Test(program, a_loader_s_name_without_end_is_no_name)
{
	char path[WT_PROGRAM_NAME + 1];

	memset(path, '/', sizeof(path));
	path[sizeof(path) - 1] = '\0';
	cr_expect_eq(kind_of_elf(&(struct small_elf){ .interpreter = path }),
		     WT_PROGRAM_OTHER_LOADER);
	cr_expect_str_eq(program.name, "");
}

Test(program, one_of_another_machine_says_which)
{
	cr_expect_eq(kind_of_elf(&(struct small_elf){ .machine = EM_S390 }),
		     WT_PROGRAM_OTHER_MACHINE);
	cr_expect_eq(program.machine, EM_S390);
	cr_expect_eq(kind_of_elf(&(struct small_elf){ .elf_class = ELFCLASS32 }),
		     WT_PROGRAM_OTHER_MACHINE);
	cr_expect_eq(program.elf_class, ELFCLASS32);
}

Test(program, one_of_go_is_known_by_its_note_or_its_section)
{
	struct small_elf elf = { .interpreter = small_elf_loader(), .has_go_note = true };

	cr_expect_eq(kind_of_elf(&elf), WT_PROGRAM_GO);
	elf = (struct small_elf){ .interpreter = small_elf_loader(), .has_go_section = true };
	cr_expect_eq(kind_of_elf(&elf), WT_PROGRAM_GO);
}

Test(program, a_file_that_is_cut_short_is_damaged)
{
	const char *bytes = small_elf(&(struct small_elf){ .interpreter = small_elf_loader() });
	ElfW(Ehdr) head;

	cr_expect_eq(kind_of_bytes(bytes, SELFMAG), WT_PROGRAM_DAMAGED);
	cr_expect_eq(kind_of_bytes(bytes, sizeof(head) - 1), WT_PROGRAM_DAMAGED);
	cr_expect_eq(kind_of_bytes(bytes, sizeof(head) + 1), WT_PROGRAM_DAMAGED);
	memcpy(&head, bytes, sizeof(head));
	head.e_phentsize--;
	cr_expect_eq(kind_of_bytes(&head, sizeof(head)), WT_PROGRAM_DAMAGED);
	head.e_phentsize++;
	head.e_phnum = 0;
	cr_expect_eq(kind_of_bytes(&head, sizeof(head)), WT_PROGRAM_DAMAGED);
	head.e_phnum = 1;
	head.e_phoff = -1;
	cr_expect_eq(kind_of_bytes(&head, sizeof(head)), WT_PROGRAM_DAMAGED);
}

Test(program, program_headers_are_read_wherever_they_lie)
{
	char bytes[SMALL_ELF_BYTES + 512];
	ElfW(Ehdr) *head = (ElfW(Ehdr) *)bytes;
	size_t size = 2 * sizeof(ElfW(Phdr));

	memset(bytes, 0, sizeof(bytes));
	memcpy(bytes, small_elf(&(struct small_elf){ .interpreter = small_elf_loader() }),
	       SMALL_ELF_BYTES);
	memmove(bytes + SMALL_ELF_BYTES, bytes + head->e_phoff, size);
	memset(bytes + head->e_phoff, 0, size);
	head->e_phoff = SMALL_ELF_BYTES;
	cr_expect_eq(kind_of_bytes(bytes, sizeof(bytes)), WT_PROGRAM_DYNAMIC);
}

static const struct {
	const char *text, *interpreter;
} scripts[] = {
	{ "#!/bin/sh\necho\n", "/bin/sh" },
	{ "#! \t/usr/bin/env python3 -u\n", "/usr/bin/env" },
	{ "#!/bin/sh\t-e\n", "/bin/sh" },
	{ "#!/bin/sh", "/bin/sh" },
	{ "#!\necho\n", "" },
	{ "#!", "" },
};

Test(program, a_script_names_its_interpreter)
{
	for (size_t i = 0; i < WT_LENGTH(scripts); i++) {
		cr_expect_eq(kind_of_bytes(scripts[i].text, strlen(scripts[i].text)),
			     WT_PROGRAM_SCRIPT, "%s", scripts[i].text);
		cr_expect_str_eq(program.name, scripts[i].interpreter);
	}
}

/* As much as the kernel reads of it (BINPRM_BUF_SIZE). */
Test(program, a_long_line_of_a_script_is_cut)
{
	char text[600];

	memset(text, 'x', sizeof(text));
	memcpy(text, "#!", 2);
	cr_expect_eq(kind_of_bytes(text, sizeof(text)), WT_PROGRAM_SCRIPT);
	cr_expect_eq(strlen(program.name), 253u);
}

Test(program, what_is_neither_is_text)
{
	cr_expect_eq(kind_of_bytes("echo hello\n", 11), WT_PROGRAM_TEXT);
	cr_expect_eq(kind_of_bytes("#", 1), WT_PROGRAM_TEXT);
	cr_expect_eq(kind_of_bytes("\177EL", 3), WT_PROGRAM_TEXT);
	cr_expect_eq(kind_of_bytes("", 0), WT_PROGRAM_TEXT);
}

Test(program, what_may_not_be_read_is_unread)
{
	cr_expect_eq(kind_of(scratch_path("missing")), WT_PROGRAM_UNREAD);
	chmod(small_elf_write("program", &(struct small_elf){ 0 }), 0111);
	int dir = open(scratch_dir(), O_PATH | O_CLOEXEC);
	chmod(scratch_dir(), 0755);
	if (!geteuid())
		cr_assert_eq(seteuid(NOBODY), 0);
	wt_program_read(&(struct wt_program_at){ dir, "program", 0 }, &program);
	cr_expect_eq(program.kind, WT_PROGRAM_UNREAD);
	cr_expect(wt_program_may_run(&(struct wt_program_at){ dir, "program", 0 }));
	if (!getuid())
		cr_assert_eq(seteuid(0), 0);
}

/* For reading, for its path alone, and by a path that is empty or not there. */
Test(program, one_is_read_by_its_descriptor)
{
	const char *path = small_elf_write("program", &(struct small_elf){ 0 });
	int fd = open(path, O_RDONLY | O_CLOEXEC), handle = open(path, O_PATH | O_CLOEXEC);
	const struct wt_program_at ways[] = { { fd, "", AT_EMPTY_PATH },
					      { fd, NULL, AT_EMPTY_PATH },
					      { handle, "", AT_EMPTY_PATH } };

	lseek(fd, 7, SEEK_SET);
	for (size_t i = 0; i < WT_LENGTH(ways); i++) {
		wt_program_read(&ways[i], &program);
		cr_expect_eq(program.kind, WT_PROGRAM_STATIC, "way %zu", i);
	}
	cr_expect_eq(lseek(fd, 0, SEEK_CUR), 7, "and its offset stays");
}

Test(program, a_symbolic_link_is_followed_unless_it_is_not_to_be)
{
	char path[PATH_MAX];
	struct wt_program_at at;

	strcpy(path, small_elf_write("program", &(struct small_elf){ 0 }));
	cr_assert_eq(symlink(path, scratch_path("link")), 0);
	at = by_path(scratch_path("link"));
	wt_program_read(&at, &program);
	cr_expect_eq(program.kind, WT_PROGRAM_STATIC);
	at.flags = AT_SYMLINK_NOFOLLOW;
	wt_program_read(&at, &program);
	cr_expect_eq(program.kind, WT_PROGRAM_UNREAD);
}

Test(program, a_look_leaves_no_descriptor)
{
	const struct wt_program_at at = by_path("/proc/self/exe");
	struct statx stx;
	bool same;
	int before = child_count_descriptors();

	wt_program_read(&at, &program);
	cr_assert_eq(wt_program_stat(&at, &stx), 0);
	wt_program_may_run(&at);
	stx.stx_mode |= S_ISUID;
	wt_program_privilege(&at, &stx, true, &same);
	cr_expect_eq(child_count_descriptors(), before);
}

static bool add_capability(const char *path)
{
	struct vfs_cap_data data = { .magic_etc = VFS_CAP_REVISION_2,
				     .data[0].permitted = 1 << CAP_NET_RAW };

	return !setxattr(path, "security.capability", &data, sizeof(data), 0);
}

Test(program, capabilities_of_a_file_are_seen)
{
	const char *path = small_elf_write("program", &(struct small_elf){ 0 });

	kind_of(path);
	cr_expect_not(program.has_capabilities);
	if (!add_capability(path))
		cr_skip_test("this machine: capabilities cannot be given to files");
	kind_of(path);
	cr_expect(program.has_capabilities);
}

Test(program, one_may_run_by_its_mode)
{
	char path[PATH_MAX];

	strcpy(path, small_elf_write("program", &(struct small_elf){ 0 }));
	const struct wt_program_at at = by_path(path), missing = by_path("/no/such/file");

	cr_expect(wt_program_may_run(&at));
	chmod(path, 0600);
	cr_expect_not(wt_program_may_run(&at));
	cr_expect_not(wt_program_may_run(&missing));
}

Test(program, a_call_that_a_sandbox_refuses_says_nothing_against_it)
{
	const struct wt_program_at missing = by_path("/no/such/file");

	if (!child_refuse_call(SYS_faccessat2, EPERM))
		cr_skip_test("this machine: no filter of system calls");
	cr_expect(wt_program_may_run(&missing));
}

/* Of a file of `owner` with this mode, which this process executes. */
static enum wt_privilege privilege(uid_t owner, mode_t mode)
{
	char path[PATH_MAX];
	struct statx stx;
	bool same;

	strcpy(path, small_elf_write("program", &(struct small_elf){ 0 }));
	cr_assert_eq(chown(path, owner, owner), 0);
	cr_assert_eq(chmod(path, mode), 0);
	const struct wt_program_at at = by_path(path);
	cr_assert_eq(wt_program_stat(&at, &stx), 0);
	return wt_program_privilege(&at, &stx, false, &same);
}

Test(program, another_user_s_rights_are_a_privilege)
{
	need_root();
	cr_expect_eq(privilege(NOBODY, 0755), WT_PRIVILEGE_NONE);
	cr_expect_eq(privilege(NOBODY, 04755), WT_PRIVILEGE_USER);
	cr_expect_eq(privilege(0, 04755), WT_PRIVILEGE_NONE, "root's own are none");
	cr_expect_eq(privilege(NOBODY, 02755), WT_PRIVILEGE_GROUP);
	cr_expect_eq(privilege(NOBODY, 02745), WT_PRIVILEGE_NONE, "that is a lock, no right");
}

Test(program, no_new_privileges_take_those_rights)
{
	need_root();
	cr_assert_eq(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), 0);
	cr_expect_eq(privilege(NOBODY, 06755), WT_PRIVILEGE_NONE);
}

/* Over the scratch directory, in mounts of this test's own. */
static void mount_over(unsigned long flags)
{
	need_root();
	if (unshare(CLONE_NEWNS) || mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) ||
	    mount("none", scratch_dir(), "tmpfs", flags, NULL))
		cr_skip_test("this machine: no mounts of its own");
}

Test(program, a_mount_without_setuid_takes_those_rights)
{
	mount_over(MS_NOSUID);
	cr_expect_eq(privilege(NOBODY, 06755), WT_PRIVILEGE_NONE);
	umount(scratch_dir());
}

static enum wt_privilege privilege_by_capabilities(const char *path, bool *same)
{
	const struct wt_program_at at = by_path(path);
	struct statx stx;

	cr_assert_eq(wt_program_stat(&at, &stx), 0);
	return wt_program_privilege(&at, &stx, true, same);
}

Test(program, capabilities_are_a_privilege_for_all_but_root)
{
	bool same;

	need_root();
	cr_expect_eq(privilege_by_capabilities("/proc/self/exe", &same), WT_PRIVILEGE_NONE);
	cr_expect(same, "whoever started this program");
	cr_assert_eq(setresuid(NOBODY, NOBODY, 0), 0);
	cr_expect_eq(privilege_by_capabilities("/bin/sh", &same), WT_PRIVILEGE_CAPABILITIES);
	cr_expect_not(same);
	cr_assert_eq(setresuid(0, 0, 0), 0);
}

Test(program, a_process_with_two_users_executes_with_a_privilege)
{
	bool same;

	need_root();
	cr_assert_eq(seteuid(NOBODY), 0);
	cr_expect_eq(privilege_by_capabilities("/bin/sh", &same), WT_PRIVILEGE_USER);
	cr_assert_eq(seteuid(0), 0);
}

Test(program, a_library_is_loaded_by_who_may_read_it)
{
	char path[PATH_MAX];

	need_root();
	chmod(scratch_dir(), 0755);
	strcpy(path, scratch_write("library", "", 0));
	chmod(path, 0600);
	cr_assert_eq(chdir(scratch_dir()), 0);
	cr_expect(wt_program_may_load("library", false));
	cr_assert_eq(setresuid(NOBODY, NOBODY, 0), 0);
	cr_expect_not(wt_program_may_load("library", false));
	cr_expect(wt_program_may_load("library", true), "who started this program could");
	cr_assert_eq(setresuid(0, 0, 0), 0);
}

Test(program, a_library_that_is_not_there_is_not_loaded)
{
	cr_expect_not(wt_program_may_load("/no/such/library", true));
}

Test(program, a_library_on_a_mount_without_execution_is_not_loaded)
{
	mount_over(MS_NOEXEC);
	cr_expect_not(wt_program_may_load(scratch_write("library", "", 0), true));
	umount(scratch_dir());
}
