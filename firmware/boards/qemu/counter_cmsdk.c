// The timer of Arm's Cortex-M System Design Kit, which counts down.
#include "counter.h"

typedef struct {
    volatile uint32_t control, value, reload, interrupt;
} cmsdk_timer;

static cmsdk_timer *const timer = (cmsdk_timer *)TIMER_BASE;

void counter_init(void) {
    timer->reload = 0xFFFFFFFF;
    timer->value = 0xFFFFFFFF;
    timer->control = 1;
}

uint32_t counter_read(void) { return ~timer->value; }
