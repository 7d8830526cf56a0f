/* SPDX-License-Identifier: MIT */
/* Names: changed while their file is open, and written again under the new name. */
#include "symbol.h"

/* Not known to the compiler. */
static const char *volatile nowhere;

static void make_names(void)
{
	make_file("one", 100);
	make_file("two", 200);
	make_file("three", 300);
	if (mkdir("dir", 0700) && errno != EEXIST)
		abort();
	fd = open("one", O_RDWR | O_APPEND);
	write(fd, "before", 6);
}

static void write_on(const char *name)
{
	TELL(write(fd, "afterwards", 10));
	judge(name);
	close(fd);
	fd = -1;
}

/* To a new name, over another file, to itself, of none, into no directory, over a directory. */
#define MOVES(name, call, first, second)                                                           \
	static int move_##name(const char *from, const char *to)                                   \
	{                                                                                          \
		return call;                                                                       \
	}                                                                                          \
	void try_##name(void)                                                                      \
	{                                                                                          \
		make_names();                                                                      \
		TELL(move_##name("one", "new"));                                                   \
		write_on("new");                                                                   \
		TELL(move_##name("two", "three"));                                                 \
		TELL(move_##name("three", "three"));                                               \
		TELL(move_##name("absent", "file"));                                               \
		TELL(move_##name("three", "absent/file"));                                         \
		TELL(move_##name("three", "dir"));                                                 \
		TELL(move_##name(first, second));                                                  \
		rmdir("dir");                                                                      \
	}

MOVES(rename, rename(from, to), nowhere, "file")
MOVES(renameat, renameat(AT_FDCWD, from, AT_FDCWD, to), "three", nowhere)
MOVES(renameat2, renameat2(AT_FDCWD, from, AT_FDCWD, to, *to == 'n' ? RENAME_NOREPLACE : 0),
      "three", "new")
MOVES(link, link(from, to), nowhere, nowhere)
MOVES(linkat, linkat(AT_FDCWD, from, AT_FDCWD, to, AT_SYMLINK_FOLLOW), "dir", "file")

static int remove_unlinkat(const char *name)
{
	return unlinkat(AT_FDCWD, name, name && !strcmp(name, "dir") ? AT_REMOVEDIR : 0);
}

/* A file that is open, one that is not, a directory, none. */
#define REMOVES(name, call)                                                                        \
	void try_##name(void)                                                                      \
	{                                                                                          \
		make_names();                                                                      \
		TELL(call("one"));                                                                 \
		TELL(write(fd, "afterwards", 10));                                                 \
		tell_contents(fd);                                                                 \
		TELL(call("two"));                                                                 \
		TELL(call("dir"));                                                                 \
		TELL(call("absent"));                                                              \
		TELL(call("three/file"));                                                          \
		TELL(call(nowhere));                                                               \
		rmdir("dir");                                                                      \
	}

REMOVES(unlink, unlink)
REMOVES(unlinkat, remove_unlinkat)
/* glibc's leaves the errno of an attempt behind where it removes a directory. */
static int remove_remove(const char *name)
{
	int ret = remove(name);

	errno = ret ? errno : UNTOUCHED;
	return ret;
}

REMOVES(remove, remove_remove)
