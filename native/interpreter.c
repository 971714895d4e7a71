/*
 * Runs a launch program. It knows system calls, not containers: what they mean was decided by whoever wrote the list.
 *
 * Invariant: nothing here refers to libc. This code also runs in the child of a clone3(CLONE_VM), where libc's locks,
 * its errno and its idea of the thread are the parent's. tests/kernel/native.test.ts looks at the object's symbols.
 */
#include "launch.h"

#include "syscall.h"

#define CLOCK_MONOTONIC 1
#define CLOCK_THREAD_CPUTIME_ID 3
#define MSG_NOSIGNAL 0x4000
#define EBADMSG 74
#define MAX_ERRNO 4095

static void *at(struct tare_program *program, uint64_t offset) { return (char *)program + offset; }

static int inside(const struct tare_program *program, uint64_t offset, uint64_t count, uint64_t width) {
  return offset >= sizeof *program && offset <= program->size && count <= (program->size - offset) / width;
}

/* What is written while the program runs lies behind the header and the ops: what was checked stays so. */
static int changeable(const struct tare_program *program, uint64_t offset, uint64_t count, uint64_t width) {
  uint64_t end_of_ops = program->ops + program->op_count * (uint64_t)sizeof(struct tare_op);
  return offset >= end_of_ops && inside(program, offset, count, width);
}

static int check_op(const struct tare_program *program, const struct tare_op *op, uint32_t left) {
  for (int i = 0; i < 6; i++) {
    uint64_t width = op->kinds[i] == TARE_CELL8 ? 8 : op->kinds[i] == TARE_CELL4 ? 4 : 1;
    if (op->kinds[i] > TARE_CELL4) return EBADMSG;
    if (op->kinds[i] != TARE_VALUE && !inside(program, op->args[i], 1, width)) return EBADMSG;
  }
  if (op->into != 0 && op->into_width != 4 && op->into_width != 8) return EBADMSG;
  if (op->into != 0 && !changeable(program, op->into, 1, op->into_width)) return EBADMSG;
  return op->allow_count > 4 || op->skip > left ? EBADMSG : 0;
}

int tare_check(const struct tare_program *program, uint64_t size) {
  if (size < sizeof *program || program->magic != TARE_MAGIC || program->version != TARE_VERSION) return EBADMSG;
  if (program->size > size) return EBADMSG;
  if (program->ops % 8 != 0 || !inside(program, program->ops, program->op_count, sizeof(struct tare_op)))
    return EBADMSG;
  if (program->relocs % 4 != 0 || !inside(program, program->relocs, program->reloc_count, 4)) return EBADMSG;
  if (program->report != 0 && !inside(program, program->report, 1, 4)) return EBADMSG;
  if (program->child != 0 && !inside(program, program->child, 1, 4)) return EBADMSG;
  if (program->trace % 8 != 0) return EBADMSG;
  if (program->trace != 0 && !changeable(program, program->trace, program->op_count + 1ull, sizeof(struct tare_stamp)))
    return EBADMSG;

  const struct tare_op *ops = (const void *)((const char *)program + program->ops);
  for (uint32_t i = 0; i < program->op_count; i++)
    if (check_op(program, &ops[i], program->op_count - i - 1) != 0) return EBADMSG;

  const uint32_t *relocs = (const void *)((const char *)program + program->relocs);
  for (uint32_t i = 0; i < program->reloc_count; i++)
    if (relocs[i] % 8 != 0 || !changeable(program, relocs[i], 1, 8)) return EBADMSG;
  return 0;
}

/* A program may be loaded again elsewhere, or run twice in place: only the difference counts. */
static void relocate(struct tare_program *program) {
  const uint32_t *relocs = at(program, program->relocs);
  uint64_t base = (uint64_t)(uintptr_t)program;
  for (uint32_t i = 0; i < program->reloc_count; i++) *(uint64_t *)at(program, relocs[i]) += base - program->base;
  program->base = base;
}

static void stamp(struct tare_program *program, uint32_t index) {
  uint64_t time[2];
  struct tare_stamp *stamps = at(program, program->trace);
  tare_syscall(TARE_NR_clock_gettime, CLOCK_MONOTONIC, (long)time, 0, 0, 0, 0);
  stamps[index].wall = time[0] * 1000000000u + time[1];
  tare_syscall(TARE_NR_clock_gettime, CLOCK_THREAD_CPUTIME_ID, (long)time, 0, 0, 0, 0);
  stamps[index].cpu = time[0] * 1000000000u + time[1];
}

static long make_call(struct tare_program *program, const struct tare_op *op) {
  long args[6];
  for (int i = 0; i < 6; i++) {
    switch (op->kinds[i]) {
      case TARE_ADDRESS: args[i] = (long)at(program, op->args[i]); break;
      case TARE_CELL8: args[i] = (long)*(const int64_t *)at(program, op->args[i]); break;
      case TARE_CELL4: args[i] = *(const int32_t *)at(program, op->args[i]); break;
      default: args[i] = (long)op->args[i];
    }
  }
  return tare_syscall(op->call, args[0], args[1], args[2], args[3], args[4], args[5]);
}

static void pause_for(uint32_t microseconds) {
  uint64_t time[2] = {0, microseconds * 1000u};
  if (microseconds != 0) tare_syscall(TARE_NR_nanosleep, (long)time, 0, 0, 0, 0, 0);
}

static void store(struct tare_program *program, const struct tare_op *op, long result) {
  if (op->into == 0) return;
  if (op->into_width == 8) *(int64_t *)at(program, op->into) = result;
  else *(int32_t *)at(program, op->into) = (int32_t)result;
}

static int allowed(const struct tare_op *op, int error) {
  for (int i = 0; i < op->allow_count; i++)
    if (op->allow[i] == error) return 1;
  return 0;
}

static uint32_t fail(struct tare_program *program, uint32_t index, int error) {
  program->failed_op = index;
  program->failed_errno = error;
  program->state = TARE_FAILED;
  if (program->report != 0) {
    struct tare_message message = {.op = index, .kind = TARE_FAILURE, .error = error};
    tare_syscall(TARE_NR_sendto, *(int32_t *)at(program, program->report), (long)&message, sizeof message, MSG_NOSIGNAL,
                 0, 0);
  }
  return TARE_FAILED;
}

uint32_t tare_interpret(struct tare_program *program) {
  const struct tare_op *ops = at(program, program->ops);
  relocate(program);
  program->state = TARE_RUNNING;

  for (uint32_t i = 0; i < program->op_count; i++) {
    const struct tare_op *op = &ops[i];
    program->position = i;
    if (program->trace != 0) stamp(program, i);
    if (op->call == TARE_HALT) break;

    long result;
    int error, failed;
    uint32_t tries = op->retry_times;
    for (;;) {
      result = make_call(program, op);
      error = result < 0 && result >= -MAX_ERRNO ? (int)-result : 0;
      failed = error != 0 || result < op->min;
      if (error == 0 || error != op->retry_on || tries-- == 0) break;
      pause_for(op->retry_pause);
    }

    store(program, op, result);
    if (!failed) continue;
    if (!allowed(op, error)) return fail(program, i, error);
    i += op->skip;
  }

  if (program->trace != 0) stamp(program, program->op_count);
  program->state = TARE_HALTED;
  return TARE_HALTED;
}
