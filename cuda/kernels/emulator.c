/* Runs the kernels before this on the processor: the blocks of a launch one after the other, a block's threads as
 * fibers. A fiber runs until its next barrier; when all are there or done, the first goes on. For tests alone. */
#include <setjmp.h>
#include <stdlib.h>
#include <ucontext.h>

#define STACK (64 << 10)

enum { EMULATE_LOWER, EMULATE_FORWARD, EMULATE_HEAD, EMULATE_BACKWARD, EMULATE_UPDATE, EMULATE_COEFFICIENTS,
       EMULATE_PERTURB };

typedef struct {
    ucontext_t start;
    jmp_buf at;
    int is_started, is_done;
} Fiber;

static __thread Fiber *fibers;
static __thread char *stacks;
static __thread jmp_buf scheduler;
static __thread ucontext_t entry;
static __thread int current, emulated_kernel;
static __thread const Job *emulated_job;

static void run_kernel(void) {
    switch (emulated_kernel) {
    case EMULATE_FORWARD: forward(*emulated_job); break;
    case EMULATE_HEAD: head(*emulated_job); break;
    case EMULATE_BACKWARD: backward(*emulated_job); break;
    case EMULATE_UPDATE: update(*emulated_job); break;
#if ACTIVATION == RATIONAL
    case EMULATE_LOWER: lower(*emulated_job); break;
    case EMULATE_COEFFICIENTS: coefficients(*emulated_job); break;
#endif
#if PERTURB
    case EMULATE_PERTURB: perturb(*emulated_job); break;
#endif
    default: abort();
    }
}

/* A fiber lives as long as its thread: it runs one block's share after the other. */
static void fiber_main(void) {
    for (;;) {
        run_kernel();
        fibers[current].is_done = 1;
        if (_setjmp(fibers[current].at) == 0) _longjmp(scheduler, 1);
    }
}

static void emulated_barrier(void) {
    if (_setjmp(fibers[current].at) == 0) _longjmp(scheduler, 1);
}

/* Until its next barrier or its end. */
static void resume(int thread) {
    current = thread;
    emulated_thread = thread;
    if (_setjmp(scheduler) != 0) return;
    if (fibers[thread].is_started) _longjmp(fibers[thread].at, 1);
    fibers[thread].is_started = 1;
    setcontext(&fibers[thread].start);
}

/* 0, or 1 where there is no memory, 2 where some threads of a block wait at a barrier that others never meet, 3 where a
 * fault was asked for: each launch after the first EMULATED_FAULT fails, as it does on a card after an illegal access. */
int emulate(int kernel, int blocks, int slots, const Job *job) {
#ifdef EMULATED_FAULT
    static int launches;
    if (__atomic_add_fetch(&launches, 1, __ATOMIC_RELAXED) > EMULATED_FAULT) return 3;
#endif
    if (fibers == 0) {
        Fiber *made = calloc(THREADS, sizeof(Fiber));
        stacks = malloc((size_t)THREADS * STACK);
        if (made == 0 || stacks == 0) return 1;
        for (int t = 0; t < THREADS; t++) {
            getcontext(&made[t].start);
            made[t].start.uc_stack.ss_sp = stacks + (size_t)t * STACK;
            made[t].start.uc_stack.ss_size = STACK;
            made[t].start.uc_link = &entry;
            makecontext(&made[t].start, fiber_main, 0);
        }
        fibers = made;
    }
    emulated_kernel = kernel;
    emulated_job = job;
    for (emulated_slot = 0; emulated_slot < slots; emulated_slot++) {
        for (emulated_block = 0; emulated_block < blocks; emulated_block++) {
            int waiting = THREADS;
            for (int t = 0; t < THREADS; t++) fibers[t].is_done = 0;
            while (waiting > 0) {
                int done = 0, left = 0;
                for (int t = 0; t < THREADS; t++) {
                    if (fibers[t].is_done) continue;
                    resume(t);
                    if (fibers[t].is_done) done++; else left++;
                }
                if (done > 0 && left > 0) return 2;
                waiting = left;
            }
        }
    }
    return 0;
}

/* Sizes that the host's structures must have. */
int emulated_sizes(int which) {
    const int sizes[] = {sizeof(Job), sizeof(Seat), sizeof(Step), sizeof(Taken)};
    return sizes[which];
}
