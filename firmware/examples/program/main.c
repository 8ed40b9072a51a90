// HelloModel as a program of a computer, with nothing but the C library.
#include <stdio.h>
#include <time.h>

#include "hello_model.h"

static void print(const char *text) { fputs(text, stdout); }

static uint32_t clock_counts(void) { return (uint32_t)clock(); }

int main(void) {
    const example_io io = {print, clock_counts, "microseconds", 1000000 / CLOCKS_PER_SEC, 1};
    hello_model(&io);
    return 0;
}
