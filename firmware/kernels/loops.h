// Walks two tensors through a nest of loops whose steps are folded at export (`loop_nest` in kernels.h): how operands
// repeat, which axis runs first, what is left out. A kernel's own loop is the innermost of them.
#pragma once
#include "kernels.h"

#define MAX_LOOPS 6

typedef struct {
    const loop_nest *loops;
    int32_t at[MAX_LOOPS];          // of every loop but the innermost
    int32_t a, b;                   // where the innermost loop starts in each tensor
    int32_t count, a_step, b_step;  // of the innermost loop
} loop_walk;

static inline loop_walk loop_start(const loop_nest *loops) {
    const int32_t *innermost = loops->table + 3 * (loops->count - 1);
    loop_walk walk;
    walk.loops = loops;
    for (int32_t d = 0; d < loops->count - 1; d++) walk.at[d] = 0;
    walk.a = walk.b = 0;
    walk.count = innermost[0], walk.a_step = innermost[1], walk.b_step = innermost[2];
    return walk;
}

// Moves to the next start of the innermost loop; 0 after the last.
static inline int loop_next(loop_walk *walk) {
    for (int32_t d = walk->loops->count - 2; d >= 0; d--) {
        const int32_t *loop = walk->loops->table + 3 * d;
        walk->a += loop[1];
        walk->b += loop[2];
        if (++walk->at[d] < loop[0]) return 1;
        walk->at[d] = 0;
        walk->a -= loop[0] * loop[1];
        walk->b -= loop[0] * loop[2];
    }
    return 0;
}
