/* SPDX-License-Identifier: MIT */
/* One write in the form in which the program asked for it, on a real file. */
#define _GNU_SOURCE
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/base.h"
#include "os/io.h"
#include "os/real.h"
#include "os/sys.h"
#include "scratch.h"

static int fd;

static void setup(void)
{
	scratch_make();
	fd = open(scratch_path("file"), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	cr_assert_geq(fd, 0, "%m");
}

TestSuite(io, .init = setup, .fini = scratch_remove);

Test(io, a_write_has_an_offset_unless_it_goes_to_the_description_s_or_appends)
{
	static const struct {
		off_t offset;
		int fl, flags;
		bool has;
	} cases[] = {
		{ 0, 0, 0, true },
		{ 4096, O_DSYNC, RWF_DSYNC, true },
		{ WT_OFFSET_NONE, 0, 0, false },
		{ 4096, O_APPEND, 0, false },
		{ 4096, 0, RWF_APPEND, false },
	};

	for (size_t i = 0; i < WT_LENGTH(cases); i++) {
		struct wt_io io = { WT_PWRITEV2, fd, 1, cases[i].flags, { NULL }, cases[i].offset };

		cr_expect_eq(wt_io_has_offset(&io, cases[i].fl), cases[i].has, "case %zu", i);
	}
}

static struct iovec halves[] = { { "by", 2 }, { "tes", 3 } }, whole[] = { { "bytes", 5 } };

static const struct {
	enum wt_call call;
	bool is_vector, has_offset;
} forms[] = {
	{ WT_WRITE, false, false }, { WT_PWRITE, false, true },	 { WT_WRITEV, true, false },
	{ WT_PWRITEV, true, true }, { WT_PWRITEV2, true, true }, { WT_PWRITEV2, true, false },
};

static struct wt_io io_of(size_t form, int file)
{
	return (struct wt_io){ forms[form].call,
			       file,
			       forms[form].is_vector ? 2 : 1,
			       0,
			       { forms[form].is_vector ? halves : whole },
			       forms[form].has_offset ? 100 : WT_OFFSET_NONE };
}

Test(io, each_form_writes_where_its_call_does)
{
	for (size_t i = 0; i < WT_LENGTH(forms); i++) {
		struct wt_io io = io_of(i, fd);
		char bytes[6] = "";

		cr_assert_eq(ftruncate(fd, 0), 0);
		lseek(fd, 10, SEEK_SET);
		cr_expect_eq(wt_io_pass(&io), 5, "form %zu", i);
		cr_expect_eq(lseek(fd, 0, SEEK_CUR), forms[i].has_offset ? 10 : 15, "form %zu", i);
		cr_assert_eq(pread(fd, bytes, 5, forms[i].has_offset ? 100 : 10), 5);
		cr_expect_str_eq(bytes, "bytes");
		cr_expect_eq(wt_io_is_scalar(&io), !forms[i].is_vector);
	}
}

Test(io, the_error_of_each_form_is_returned)
{
	for (size_t i = 0; i < WT_LENGTH(forms); i++) {
		struct wt_io io = io_of(i, -1);

		errno = 0;
		cr_expect_eq(wt_io_pass(&io), -EBADF, "form %zu", i);
	}
}

static ssize_t count_act(struct wt_act *act)
{
	act->name = "carried out";
	return -ENOSPC;
}

Test(io, an_act_is_carried_out_by_its_edge)
{
	struct wt_act act = { .carry_out = count_act };
	struct wt_io io = { .call = WT_ACT, .fd = fd, .act = &act, .offset = WT_OFFSET_NONE };

	cr_expect_eq(wt_io_pass(&io), -ENOSPC);
	cr_expect_str_eq(act.name, "carried out");
}

static int flags_seen;

static ssize_t note_flags(int file, const struct iovec *iov, int n, off_t offset, int flags)
{
	flags_seen = flags;
	return pwritev2(file, iov, n, offset, 0);
}

Test(io, flags_are_added_to_those_of_the_program)
{
	struct wt_io io = { WT_PWRITEV2, fd, 2, RWF_HIPRI, { halves }, 100 };

	wt_sys.pwritev2 = note_flags;
	cr_expect_eq(wt_io_pass_flagged(&io, RWF_DSYNC), 5);
	cr_expect_eq(flags_seen, RWF_HIPRI | RWF_DSYNC);
}

/* Which call was made last, by whom. */
static const char *made;
static struct wt_range range_made;
static unsigned int flags_made;

static int real_fsync(int file)
{
	made = "the program's fsync";
	return fsync(file);
}

static int real_fdatasync(int file)
{
	made = "the program's fdatasync";
	return fdatasync(file);
}

static int real_range(int file, off_t offset, off_t len, unsigned int flags)
{
	made = "the program's range";
	range_made = (struct wt_range){ offset, len };
	flags_made = flags;
	errno = EIO;
	return file == fd ? 0 : -1;
}

static int own_fsync(int file)
{
	(void)file;
	made = "libwt's fsync";
	return 0;
}

static int own_fdatasync(int file)
{
	(void)file;
	made = "libwt's fdatasync";
	return -EIO;
}

static int own_range(int file, off_t offset, off_t len, unsigned int flags)
{
	real_range(file, offset, len, flags);
	made = "libwt's range";
	return 0;
}

static void watch_syncs(void)
{
	wt_real.fsync = real_fsync;
	wt_real.fdatasync = real_fdatasync;
	wt_real.sync_file_range = real_range;
	wt_sys.fsync = own_fsync;
	wt_sys.fdatasync = own_fdatasync;
	wt_sys.sync_file_range = own_range;
}

Test(io, a_sync_of_the_program_s_is_the_next_in_line)
{
	struct wt_sync sync = { WT_FSYNC, fd, { 4096, 8192 }, SYNC_FILE_RANGE_WRITE };

	watch_syncs();
	cr_expect_eq(wt_io_pass_sync(&sync), 0);
	cr_expect_str_eq(made, "the program's fsync");
	sync.call = WT_FDATASYNC;
	cr_expect_eq(wt_io_pass_sync(&sync), 0);
	cr_expect_str_eq(made, "the program's fdatasync");
	sync.call = WT_SYNC_FILE_RANGE;
	cr_expect_eq(wt_io_pass_sync(&sync), 0);
	cr_expect_str_eq(made, "the program's range");
	cr_expect_eq(range_made.offset, 4096);
	cr_expect_eq(range_made.len_bytes, 8192);
	cr_expect_eq(flags_made, SYNC_FILE_RANGE_WRITE);
	sync.fd = -1;
	cr_expect_eq(wt_io_pass_sync(&sync), -EIO);
}

Test(io, a_sync_of_libwt_s_is_the_system_call)
{
	struct wt_sync sync = { WT_FSYNC, fd, { 4096, 8192 }, SYNC_FILE_RANGE_WRITE };

	watch_syncs();
	cr_expect_eq(wt_io_sync(&sync), 0);
	cr_expect_str_eq(made, "libwt's fsync");
	sync.call = WT_FDATASYNC;
	cr_expect_eq(wt_io_sync(&sync), -EIO);
	cr_expect_str_eq(made, "libwt's fdatasync");
	sync.call = WT_SYNC_FILE_RANGE;
	cr_expect_eq(wt_io_sync(&sync), 0);
	cr_expect_str_eq(made, "libwt's range");
	cr_expect_eq(range_made.len_bytes, 8192);
	cr_expect_eq(flags_made, SYNC_FILE_RANGE_WRITE);
}

Test(io, a_write_ends_at_the_limit_of_file_size)
{
	static const struct {
		off_t offset;
		size_t len, fits;
	} cases[] = {
		{ 0, 100, 100 }, { 0, 10000, 8192 }, { 8000, 1000, 192 },
		{ 8192, 1, 0 },	 { 9000, 100, 0 },   { 0, 8192, 8192 },
	};
	struct rlimit limit = { 8192, RLIM_INFINITY };
	struct wt_io io = { WT_PWRITE, fd, 1, 0, { whole }, 1 << 30 };

	cr_expect_eq(wt_io_below_file_size_limit(&io, 100), 100u, "without one");
	cr_assert_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
	for (size_t i = 0; i < WT_LENGTH(cases); i++) {
		io.offset = cases[i].offset;
		cr_expect_eq(wt_io_below_file_size_limit(&io, cases[i].len), cases[i].fits,
			     "case %zu", i);
	}
	limit.rlim_cur = RLIM_INFINITY;
	setrlimit(RLIMIT_FSIZE, &limit);
}

static struct wt_range advised;
static int advice_seen;

static int note_advice(int file, off_t offset, off_t len, int advice)
{
	(void)file;
	advised = (struct wt_range){ offset, len };
	advice_seen = advice;
	return 0;
}

/* A file of 20,000 bytes whose description is at 9,000. */
static void drop(off_t offset, int fl, int flags)
{
	struct wt_io io = { WT_PWRITEV2, fd, 1, flags, { whole }, offset };

	cr_assert_eq(ftruncate(fd, 20000), 0);
	lseek(fd, 9000, SEEK_SET);
	wt_sys.fadvise = note_advice;
	wt_io_drop_cache(&io, fl, 1000);
	cr_expect_eq(advice_seen, POSIX_FADV_DONTNEED);
}

Test(io, the_cache_is_left_cold_by_whole_pages_around_what_was_written)
{
	drop(4000, 0, 0);
	cr_expect_eq(advised.offset, 0);
	cr_expect_eq(advised.len_bytes, 8192);
}

Test(io, the_cache_is_left_cold_before_the_description_s_offset)
{
	drop(WT_OFFSET_NONE, 0, 0);
	cr_expect_eq(advised.offset, 4096, "8000 to 9000");
	cr_expect_eq(advised.len_bytes, 8192);
}

Test(io, the_cache_is_left_cold_at_the_end_where_the_write_appended)
{
	drop(WT_OFFSET_NONE, O_APPEND, 0);
	cr_expect_eq(advised.offset, 16384, "19000 to 20000");
	cr_expect_eq(advised.len_bytes, 4096);
	drop(0, 0, RWF_APPEND);
	cr_expect_eq(advised.offset, 16384);
}
