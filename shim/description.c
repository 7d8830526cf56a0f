/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#include "description.h"

#include <errno.h>
#include <linux/futex.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "base.h"
#include "log.h"
#include "sys.h"

#define SLOTS 1024u
#define SHARED_BITS 65536u
#define WAIT_NS 1000000000u
#define YIELDS 16
#define WAITS 64u
#define OWED 4096u
#define OWED_TRIES 64u

struct hold {
	_Atomic uint32_t token;
	_Atomic uint32_t waiters;
};

struct wt_description {
	_Atomic uint32_t waiting;
	_Atomic uint32_t begun;
	_Atomic uint32_t failed;
	struct hold offset;		 /* of who moves the description's offset */
	_Atomic uint32_t tickets[WAITS]; /* of those that wait, 0 where there is none */
};

#define ERRNO_BITS 16
#define STRANGER (1ULL << 47)

/* Shared by all processes of one family, and so is what was owed anywhere in it. */
struct table {
	_Atomic uint64_t numbers;
	_Atomic bool owing; /* anything, at any time */
	_Atomic uint32_t shared[SHARED_BITS / 32];
	_Atomic uint64_t owed[OWED];  /* by the number of the description */
	_Atomic uint64_t later[OWED]; /* by the file */
	struct hold files[SLOTS];
	struct wt_description slots[SLOTS];
};

static const struct timespec nap = { .tv_nsec = 20000 };
static struct table without; /* before init, and where it failed: strangers only */
static struct table *table = &without;

int wt_description_init(void)
{
	void *map = mmap(NULL, sizeof(*table), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
			 -1, 0);

	if (map == MAP_FAILED)
		return -errno;
	table = map;
	return 0;
}

uint64_t wt_description_number(bool seen)
{
	uint64_t number = 1 + atomic_fetch_add_explicit(&table->numbers, 1, memory_order_relaxed);

	return seen && table != &without ? number : number | STRANGER;
}

static _Atomic uint32_t *shared_word(uint64_t number)
{
	return &table->shared[number % SHARED_BITS / 32];
}

bool wt_description_is_stranger(uint64_t number)
{
	uint32_t word = atomic_load_explicit(shared_word(number), memory_order_relaxed);

	return !number || number & STRANGER || word >> number % 32 & 1;
}

/* Never taken back: it is not known when the last holder ends. A later number may share the bit. */
void wt_description_share(uint64_t number)
{
	atomic_fetch_or(shared_word(number), 1U << number % 32);
}

struct wt_description *wt_description_of(uint64_t number)
{
	return &table->slots[number % SLOTS];
}

static void pause_until(unsigned int *tries)
{
	if ((*tries)++ < YIELDS)
		syscall(SYS_sched_yield);
	else
		syscall(SYS_nanosleep, &nap, NULL);
}

/*
 * A wait that has not ended in time never will: its process was killed. What it was told, if
 * anything, is not known, so it counts as failed.
 */
static void give_up(struct wt_description *at, unsigned int place, uint32_t ticket)
{
	if (!atomic_compare_exchange_strong(&at->tickets[place], &ticket, 0))
		return;
	atomic_fetch_add(&at->failed, 1);
	atomic_fetch_sub(&at->waiting, 1);
}

/* Among the waits under way; where all places are taken, some soon are not. */
static unsigned int take_place(struct wt_description *at, uint32_t ticket)
{
	uint64_t end_ns = 0;
	unsigned int tries = 0;

	for (unsigned int i = ticket;; i++) {
		uint32_t other = 0;

		if (atomic_compare_exchange_strong(&at->tickets[i % WAITS], &other, ticket))
			return i % WAITS;
		if (i - ticket < WAITS)
			continue;
		if (!end_ns)
			end_ns = wt_sys_now_ns() + WAIT_NS;
		if (wt_sys_now_ns() > end_ns)
			give_up(at, i % WAITS, other);
		else
			pause_until(&tries);
	}
}

void wt_description_wait_begin(struct wt_description *at, struct wt_wait *wait)
{
	wait->failed = atomic_load(&at->failed);
	wait->was_alone = !atomic_fetch_add(&at->waiting, 1);
	do
		wait->ticket = atomic_fetch_add(&at->begun, 1) + 1;
	while (unlikely(!wait->ticket));
	wait->place = take_place(at, wait->ticket);
}

void wt_description_wait_end(struct wt_description *at, const struct wt_wait *wait, bool failed)
{
	uint32_t ticket = wait->ticket;

	if (failed)
		atomic_fetch_add(&at->failed, 1);
	if (atomic_compare_exchange_strong(&at->tickets[wait->place], &ticket, 0))
		atomic_fetch_sub(&at->waiting, 1);
}

/* One that has not taken its ticket yet has not asked the kernel yet. */
bool wt_description_was_shared(const struct wt_description *at, const struct wt_wait *wait)
{
	return !wait->was_alone || atomic_load(&at->begun) != wait->ticket;
}

/* Nobody else comes to have this ticket: so if it goes, it has ended. */
static void wait_for_end(struct wt_description *at, unsigned int place, uint32_t last,
			 uint64_t end_ns)
{
	uint32_t ticket = atomic_load(&at->tickets[place]);
	unsigned int tries = 0;

	if (!ticket || (int32_t)(ticket - last) > 0)
		return;
	while (atomic_load(&at->tickets[place]) == ticket) {
		if (wt_sys_now_ns() < end_ns)
			pause_until(&tries);
		else
			give_up(at, place, ticket);
	}
}

bool wt_description_others_failed(struct wt_description *at, const struct wt_wait *wait)
{
	uint64_t end_ns = wt_sys_now_ns() + WAIT_NS;
	uint32_t last = atomic_load(&at->begun);

	for (unsigned int i = 0; i < WAITS; i++)
		wait_for_end(at, i, last, end_ns);
	return atomic_load(&at->failed) != wait->failed;
}

static long futex(_Atomic uint32_t *word, int op, uint32_t value, const struct timespec *timeout)
{
	return syscall(SYS_futex, word, op, value, timeout, NULL, 0);
}

/*
 * Nobody is left waiting: whoever lets go looks for waiters after that, and a waiter looks at the
 * word after it has said that it waits.
 */
static uint32_t hold(struct hold *at)
{
	static const struct timespec second = { .tv_sec = 1 };
	static _Atomic uint32_t tokens;
	uint32_t count = atomic_fetch_add_explicit(&tokens, 1, memory_order_relaxed);
	uint32_t token = (uint32_t)syscall(SYS_gettid) << 8 | (count & 0xff);
	uint32_t other = 0;

	while (!atomic_compare_exchange_strong(&at->token, &other, token)) {
		atomic_fetch_add(&at->waiters, 1);
		long ret = futex(&at->token, FUTEX_WAIT, other, &second);
		bool too_long = ret < 0 && errno == ETIMEDOUT;
		atomic_fetch_sub(&at->waiters, 1);
		if (!too_long)
			other = 0;
	}
	return token;
}

static bool let(struct hold *at, uint32_t token)
{
	bool held = atomic_compare_exchange_strong(&at->token, &token, 0);

	if (atomic_load(&at->waiters))
		futex(&at->token, FUTEX_WAKE, 1, NULL);
	return held;
}

uint32_t wt_description_hold_offset(struct wt_description *at)
{
	return hold(&at->offset);
}

bool wt_description_let_offset(struct wt_description *at, uint32_t token)
{
	return let(&at->offset, token);
}

uint32_t wt_description_hold_file(uint64_t file)
{
	return hold(&table->files[file % SLOTS]);
}

void wt_description_let_file(uint64_t file, uint32_t token)
{
	let(&table->files[file % SLOTS], token);
}

/*
 * Words with an errno in the low bits and a key above, found by probing: the key's own, or, with
 * `make`, a free one. NULL without.
 */
static _Atomic uint64_t *find(_Atomic uint64_t *words, uint64_t key, bool make)
{
	for (unsigned int i = 0; i < OWED_TRIES; i++) {
		_Atomic uint64_t *at = &words[(key + i) % OWED];
		uint64_t word = atomic_load(at);

		if (word >> ERRNO_BITS == key)
			return at;
		if (!word && make && atomic_compare_exchange_strong(at, &word, key << ERRNO_BITS))
			return at;
	}
	return NULL;
}

static void keep(_Atomic uint64_t *words, uint64_t key, int err)
{
	static _Atomic bool said;
	_Atomic uint64_t *at = find(words, key, true);

	atomic_store(&table->owing, true);
	if (at)
		atomic_store(at, key << ERRNO_BITS | (unsigned int)-err);
	else if (!atomic_exchange(&said, true))
		wt_log(WT_LOG_ERROR, "too many files with write errors: the next fsync of some of "
				     "them may not repeat its error");
}

static int kept(const _Atomic uint64_t *at)
{
	return at ? -(int)(atomic_load(at) & ((1U << ERRNO_BITS) - 1)) : 0;
}

static bool anything_owed(void)
{
	return unlikely(atomic_load_explicit(&table->owing, memory_order_relaxed));
}

void wt_description_owe(uint64_t number, int err)
{
	keep(table->owed, number, err);
}

int wt_description_settle(uint64_t number)
{
	_Atomic uint64_t *at = anything_owed() ? find(table->owed, number, false) : NULL;
	int err = kept(at);

	if (err)
		atomic_store(at, 0);
	return err;
}

/* 48 bits; 0: nothing is known of it. */
static uint64_t identity(int fd)
{
	struct stat st;

	return wt_sys.identify(fd, &st) ? 0 : wt_inode_hash(st.st_dev, st.st_ino) >> ERRNO_BITS;
}

void wt_description_owe_later(int fd, int err)
{
	uint64_t file = identity(fd);

	if (file)
		keep(table->later, file, err);
}

void wt_description_opened(int fd, uint64_t number)
{
	uint64_t file = anything_owed() ? identity(fd) : 0;
	int err = file ? kept(find(table->later, file, false)) : 0;

	if (err)
		wt_description_owe(number, err);
}

void wt_description_told(int fd)
{
	uint64_t file = anything_owed() ? identity(fd) : 0;
	_Atomic uint64_t *at = file ? find(table->later, file, false) : NULL;

	if (at)
		atomic_store(at, 0);
}
