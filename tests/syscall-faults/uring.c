/* SPDX-License-Identifier: MIT */
/*
 * A request of an io_uring is struck in the writer's memory, between its publishing and the
 * io_uring_enter(2) that hands it over: it becomes a request that does nothing and is answered
 * with the error (IORING_NOP_INJECT_RESULT), or a write of half its bytes.
 */
#include "syscall_faults.h"

#include <linux/io_uring.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#ifndef IORING_NOP_INJECT_RESULT
#define IORING_NOP_INJECT_RESULT (1U << 0)
#endif

/* Where the kernel keeps these numbers in a ring's first page; the same in every ring. */
static struct io_sqring_offsets layout;

/* One such request, in a ring of our own: what it is answered with. */
static int try_injected(int fd, const struct io_uring_params *params)
{
	char *ring = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, IORING_OFF_SQ_RING);
	struct io_uring_sqe *sqe =
		mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, IORING_OFF_SQES);
	struct io_uring_cqe *cqe = (void *)(ring + params->cq_off.cqes);
	int answer = -ENOMEM;

	if (ring != MAP_FAILED && (void *)sqe != MAP_FAILED) {
		*sqe = (struct io_uring_sqe){ .opcode = IORING_OP_NOP,
					      .len = -EIO,
					      .rw_flags = IORING_NOP_INJECT_RESULT };
		*(uint32_t *)(ring + params->sq_off.array) = 0;
		__atomic_store_n((uint32_t *)(ring + params->sq_off.tail), 1, __ATOMIC_RELEASE);
		answer = syscall(SYS_io_uring_enter, fd, 1, 1, IORING_ENTER_GETEVENTS, NULL, 0);
		answer = answer == 1 ? cqe->res : -errno;
	}
	munmap(ring, 4096);
	munmap(sqe, 4096);
	return answer;
}

int uring_prepare(void)
{
	struct io_uring_params params = { 0 };
	int fd = syscall(SYS_io_uring_setup, 1, &params);
	int answer;

	if (fd < 0)
		return -errno;
	layout = params.sq_off;
	answer = try_injected(fd, &params);
	close(fd);
	return answer == -EIO ? 0 : answer < 0 ? answer : -EOPNOTSUPP;
}

static bool peek(pid_t pid, uint64_t address, void *to, size_t len)
{
	struct iovec here = { to, len }, there = { (void *)address, len };

	return process_vm_readv(pid, &here, 1, &there, 1, 0) == (ssize_t)len;
}

static bool poke(pid_t pid, uint64_t address, const void *from, size_t len)
{
	struct iovec here = { (void *)from, len }, there = { (void *)address, len };

	return process_vm_writev(pid, &here, 1, &there, 1, 0) == (ssize_t)len;
}

static bool is_of(const struct call *call, int opcode)
{
	for (int i = 0; i < 3 && call->ops[i] >= 0; i++)
		if (call->ops[i] == opcode)
			return true;
	return false;
}

/* The request as it is to be instead. */
static void change(struct io_uring_sqe *sqe, const struct fault *fault)
{
	int answer = fault->what == LIE ? 0 : -fault->err;

	if (fault->what == SHORT) {
		sqe->len = sqe->len / 2 / 512 ? sqe->len / 2 / 512 * 512 : sqe->len;
		return;
	}
	if (fault->what == LIE && is_of(fault->call, IORING_OP_WRITE))
		answer = sqe->len;
	*sqe = (struct io_uring_sqe){ .opcode = IORING_OP_NOP,
				      .flags = sqe->flags & ~IOSQE_FIXED_FILE,
				      .len = answer,
				      .rw_flags = IORING_NOP_INJECT_RESULT,
				      .user_data = sqe->user_data };
}

static void change_request(struct injector *injector, uint64_t address)
{
	struct io_uring_sqe sqe;

	if (!peek(injector->pid, address, &sqe, sizeof(sqe)))
		return;
	for (size_t i = 0; i < calls_len; i++) {
		if (calls[i].ops[0] < 0 || !is_of(&calls[i], sqe.opcode))
			continue;
		struct fault *fault = fault_strikes(injector, &calls[i]);
		if (!fault)
			continue;
		change(&sqe, fault);
		poke(injector->pid, address, &sqe, sizeof(sqe));
		return;
	}
}

static struct seen_ring *seen_ring_of(struct injector *injector, uint64_t inode)
{
	for (size_t i = 0; i < COUNT(injector->rings); i++) {
		struct seen_ring *ring = &injector->rings[i];

		if (!ring->inode)
			ring->inode = inode;
		if (ring->inode == inode)
			return ring;
	}
	return NULL;
}

/*
 * All that this ring has ready, once each: a request stays there when its io_uring_enter failed,
 * and another thread may come by before its own does.
 */
static void change_ring(struct injector *injector, uint64_t inode, uint64_t ring, uint64_t sqes)
{
	struct seen_ring *seen = seen_ring_of(injector, inode);
	uint32_t head, tail, mask;

	if (!seen || !peek(injector->pid, ring + layout.head, &head, sizeof(head)) ||
	    !peek(injector->pid, ring + layout.tail, &tail, sizeof(tail)) ||
	    !peek(injector->pid, ring + layout.ring_mask, &mask, sizeof(mask)))
		return;
	if ((int32_t)(seen->done - head) > 0)
		head = seen->done;
	for (; head != tail; head++)
		change_request(injector, sqes + (head & mask) * sizeof(struct io_uring_sqe));
	seen->done = tail;
}

/* Each ring has two mappings with the number of its inode; the one of requests by its offset. */
void uring_change(struct injector *injector)
{
	uint64_t start, offset, inode;
	uint64_t rings[64][3] = { 0 };
	char path[64], line[512];
	size_t len = 0, i;

	snprintf(path, sizeof(path), "/proc/%d/maps", injector->pid);
	FILE *maps = fopen(path, "re");
	if (!maps)
		return;
	while (fgets(line, sizeof(line), maps)) {
		if (!strstr(line, "anon_inode:[io_uring]") ||
		    sscanf(line, "%lx-%*x %*s %lx %*s %lu", &start, &offset, &inode) != 3)
			continue;
		for (i = 0; i < len && rings[i][0] != inode; i++)
			;
		if (i == COUNT(rings))
			break;
		len += i == len;
		rings[i][0] = inode;
		rings[i][offset == IORING_OFF_SQES ? 2 : 1] = start;
	}
	fclose(maps);
	for (i = 0; i < len; i++)
		if (rings[i][1] && rings[i][2])
			change_ring(injector, rings[i][0], rings[i][1], rings[i][2]);
}
