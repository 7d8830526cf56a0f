/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#include "small_elf.h"

#include <criterion/criterion.h>
#include <elf.h>
#include <link.h>
#include <string.h>

#include "scratch.h"

/* Where each part lies in the file; it would be loaded at ADDRESS. */
#define ADDRESS 0x400000u
enum {
	AT_INTERPRETER = 1024,
	AT_NOTE = 1536,
	AT_DYNAMIC = 2048,
	AT_STRINGS = 2560,
	AT_SECTIONS = 3072,
	AT_NAMES = 3584
};

static char bytes[SMALL_ELF_BYTES];

static void add_header(ElfW(Ehdr) * head, unsigned int type, size_t at, const void *what,
		       size_t len)
{
	ElfW(Phdr) *header = (ElfW(Phdr) *)(bytes + sizeof(*head)) + head->e_phnum++;

	*header = (ElfW(Phdr)){ .p_type = type,
				.p_offset = at,
				.p_vaddr = ADDRESS + at,
				.p_filesz = len,
				.p_memsz = len };
	if (what)
		memcpy(bytes + at, what, len);
}

static void add_name(ElfW(Ehdr) * head, const char *soname)
{
	const ElfW(Dyn) dynamic[] = {
		{ DT_STRTAB, { ADDRESS + AT_STRINGS } },
		{ DT_SONAME, { 1 } },
		{ DT_NULL, { 0 } },
	};

	strcpy(bytes + AT_STRINGS + 1, soname);
	add_header(head, PT_DYNAMIC, AT_DYNAMIC, dynamic, sizeof(dynamic));
}

static void add_section(ElfW(Ehdr) * head, const char *name)
{
	ElfW(Shdr) *section = (ElfW(Shdr) *)(bytes + AT_SECTIONS) + 1;

	strcpy(bytes + AT_NAMES + 1, name);
	*section = (ElfW(
		Shdr)){ .sh_type = SHT_STRTAB, .sh_offset = AT_NAMES, .sh_size = strlen(name) + 2 };
	head->e_shoff = AT_SECTIONS;
	head->e_shentsize = sizeof(*section);
	head->e_shnum = 2;
	head->e_shstrndx = 1;
}

const char *small_elf(const struct small_elf *elf)
{
	static const char note[] = "\4\0\0\0\4\0\0\0\4\0\0\0Go\0\0four";
	ElfW(Ehdr) *head = (ElfW(Ehdr) *)bytes;

	memset(bytes, 0, sizeof(bytes));
	*head = (ElfW(Ehdr)){ .e_type = ET_EXEC,
			      .e_machine = elf->machine ? elf->machine : wt_program_machine,
			      .e_version = EV_CURRENT,
			      .e_phoff = sizeof(*head),
			      .e_ehsize = sizeof(*head),
			      .e_phentsize = sizeof(ElfW(Phdr)) };
	memcpy(head->e_ident, ELFMAG, SELFMAG);
	head->e_ident[EI_CLASS] = elf->elf_class ? elf->elf_class : wt_program_class;
	head->e_ident[EI_DATA] = ELFDATA2LSB;
	head->e_ident[EI_VERSION] = EV_CURRENT;
	add_header(head, PT_LOAD, 0, NULL, sizeof(bytes));
	if (elf->interpreter)
		add_header(head, PT_INTERP, AT_INTERPRETER, elf->interpreter,
			   strlen(elf->interpreter) + 1);
	if (elf->has_go_note)
		add_header(head, PT_NOTE, AT_NOTE, note, sizeof(note) - 1);
	if (elf->soname)
		add_name(head, elf->soname);
	if (elf->has_go_section)
		add_section(head, ".go.buildinfo");
	return bytes;
}

const char *small_elf_write(const char *name, const struct small_elf *elf)
{
	return scratch_write(name, small_elf(elf), SMALL_ELF_BYTES);
}

static int find_interpreter(struct dl_phdr_info *info, size_t size, void *path)
{
	(void)size;
	for (int i = 0; i < info->dlpi_phnum; i++)
		if (info->dlpi_phdr[i].p_type == PT_INTERP)
			*(const char **)path =
				(const char *)(info->dlpi_addr + info->dlpi_phdr[i].p_vaddr);
	return 1;
}

const char *small_elf_loader(void)
{
	const char *path = NULL;

	dl_iterate_phdr(find_interpreter, &path);
	cr_assert_not_null(path);
	return path;
}
