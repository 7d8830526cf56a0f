/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#include "state/description.h"

#include <stdatomic.h>
#include <unistd.h>

#include "base/base.h"
#include "os/raw.h"
#include "os/sys.h"
#include "state/hold.h"

#define SLOTS 1024u
#define SHARED_BITS 65536u
#define GONE_NS 1000000000u    /* a wait this old is checked for a thread that is gone */
#define WAIT_NS 60000000000ull /* a wait this old is given up */
#define YIELDS 16
#define WAITS 64u

struct slot {
	_Atomic uint32_t waiting;
	_Atomic uint32_t begun;
	_Atomic uint32_t failed;
	struct wt_hold offset;	       /* of a write that moves the description's offset */
	_Atomic uint64_t waits[WAITS]; /* thread id and ticket of each wait; 0: free place */
};

#define EXTERNALLY_SHARED (1ULL << 47)

/* Shared by all processes that were forked from one another. */
struct table {
	_Atomic uint64_t numbers;
	_Atomic uint32_t shared[SHARED_BITS / 32];
	struct slot slots[SLOTS];
};

/* Before wt_description_init, and if that failed: every description is externally shared. */
WT_LARGE struct table wt_description_without;
static struct table *table = &wt_description_without;

int wt_description_init(void)
{
	void *map;
	int err = wt_sys_map_shared(sizeof(*table), &map);

	if (!err)
		table = map;
	return err;
}

uint64_t wt_description_number(bool seen)
{
	uint64_t number = 1 + atomic_fetch_add_explicit(&table->numbers, 1, memory_order_relaxed);

	return seen && table != &wt_description_without ? number : number | EXTERNALLY_SHARED;
}

static _Atomic uint32_t *shared_word(uint64_t number)
{
	return &table->shared[number % SHARED_BITS / 32];
}

bool wt_description_is_externally_shared(uint64_t number)
{
	uint32_t word = atomic_load_explicit(shared_word(number), memory_order_relaxed);

	return !number || number & EXTERNALLY_SHARED || word >> number % 32 & 1;
}

/*
 * The bit is never cleared, as nobody knows when the last unseen holder ends. A later number that
 * has the same bit counts as externally shared too.
 */
void wt_description_share(uint64_t number)
{
	atomic_fetch_or(shared_word(number), 1U << number % 32);
}

static struct slot *slot_of(uint64_t number)
{
	return &table->slots[number % SLOTS];
}

static void pause_until(unsigned int *tries)
{
	if ((*tries)++ < YIELDS)
		wt_kernel(SYS_sched_yield);
	else
		wt_nap_us(20);
}

#define THREAD_SHIFT 32

static uint32_t thread_of(uint64_t word)
{
	return word >> THREAD_SHIFT;
}

/*
 * Ends another thread's wait. Whether that wait got an error is not known, so it counts as failed.
 */
static void give_up(struct slot *at, unsigned int place, uint64_t word)
{
	if (!atomic_compare_exchange_strong(&at->waits[place], &word, 0))
		return;
	atomic_fetch_add(&at->failed, 1);
	atomic_fetch_sub(&at->waiting, 1);
}

/*
 * One step of waiting until the wait at `place` ends. Its process may be killed, or stopped for
 * long: after GONE_NS its thread is checked, after WAIT_NS the wait is given up.
 */
static void wait_more(struct slot *at, unsigned int place, uint64_t word, uint64_t begin_ns,
		      unsigned int *tries)
{
	uint64_t ns = wt_sys_now_ns() - begin_ns;

	if (ns > WAIT_NS || (ns > GONE_NS && wt_hold_thread_is_gone(thread_of(word))))
		give_up(at, place, word);
	else if (ns > GONE_NS)
		wt_nap_us(10000);
	else
		pause_until(tries);
}

/*
 * Enters the wait into the slot's list and returns its place. If all places are taken, waits until
 * one of them is free.
 */
static unsigned int take_place(struct slot *at, uint64_t word)
{
	uint32_t ticket = word;
	uint64_t begin_ns = 0;
	unsigned int tries = 0;

	for (unsigned int i = ticket;; i++) {
		uint64_t other = 0;

		if (atomic_compare_exchange_strong(&at->waits[i % WAITS], &other, word))
			return i % WAITS;
		if (i - ticket < WAITS)
			continue;
		if (!begin_ns)
			begin_ns = wt_sys_now_ns();
		wait_more(at, i % WAITS, other, begin_ns, &tries);
	}
}

void wt_description_wait_begin(uint64_t number, struct wt_wait *wait)
{
	struct slot *at = slot_of(number);

	wait->failed = atomic_load(&at->failed);
	wait->was_alone = !atomic_fetch_add(&at->waiting, 1);
	do
		wait->ticket = atomic_fetch_add(&at->begun, 1) + 1;
	while (unlikely(!wait->ticket));
	wait->word = (uint64_t)wt_kernel(SYS_gettid) << THREAD_SHIFT | wait->ticket;
	wait->place = take_place(at, wait->word);
}

void wt_description_wait_end(uint64_t number, const struct wt_wait *wait, bool failed)
{
	struct slot *at = slot_of(number);
	uint64_t word = wait->word;

	if (failed)
		atomic_fetch_add(&at->failed, 1);
	if (atomic_compare_exchange_strong(&at->waits[wait->place], &word, 0))
		atomic_fetch_sub(&at->waiting, 1);
}

/* A wait that has no ticket yet has not asked the kernel yet, and so has taken no error. */
bool wt_description_was_shared(uint64_t number, const struct wt_wait *wait)
{
	return !wait->was_alone || atomic_load(&slot_of(number)->begun) != wait->ticket;
}

/* The wait at `place`, if it is another thread's and has a ticket up to `last`; else 0. */
static uint64_t other_at(struct slot *at, unsigned int place, const struct wt_wait *wait,
			 uint32_t last)
{
	uint64_t word = atomic_load(&at->waits[place]);
	bool counts =
		(int32_t)((uint32_t)word - last) <= 0 && thread_of(word) != thread_of(wait->word);

	return counts ? word : 0;
}

bool wt_description_others_ended(uint64_t number, const struct wt_wait *wait)
{
	struct slot *at = slot_of(number);
	uint32_t last = atomic_load(&at->begun);

	for (unsigned int i = 0; i < WAITS; i++)
		if (other_at(at, i, wait, last))
			return false;
	return true;
}

/* A word has one thread and one ticket: once it has left its place, its wait has ended. */
static void wait_for_end(struct slot *at, unsigned int place, uint64_t word)
{
	uint64_t begin_ns = wt_sys_now_ns();
	unsigned int tries = 0;

	while (atomic_load(&at->waits[place]) == word)
		wait_more(at, place, word, begin_ns, &tries);
}

bool wt_description_others_failed(uint64_t number, const struct wt_wait *wait)
{
	struct slot *at = slot_of(number);
	uint32_t last = atomic_load(&at->begun);

	for (unsigned int i = 0; i < WAITS; i++) {
		uint64_t word = other_at(at, i, wait, last);

		if (word)
			wait_for_end(at, i, word);
	}
	return atomic_load(&at->failed) != wait->failed;
}

uint32_t wt_description_hold_offset(uint64_t number)
{
	return wt_hold_take(&slot_of(number)->offset, 1);
}

bool wt_description_let_offset(uint64_t number, uint32_t token)
{
	return wt_hold_let(&slot_of(number)->offset, token);
}
