// Reset and traps of a bare RV32 in machine mode: a stack, vectors, memory as C expects it, then main(). Nothing in this
// firmware raises an exception on purpose but csr_write(); any other is a bug, which fault.c keeps and tells.
#pragma once
#include <stdbool.h>
#include <stdint.h>

// The handler of interrupt 1, the only one that a board may ask for. Where a board has none, one that comes is a fault.
void interrupt_1(void);

// Writes a control and status register (a number), unless the core lacks it; says whether it is there. mscratch is where
// the program goes on after an exception, and 0 at any other time.
#define csr_write(csr, value)                                                                                          \
    ({                                                                                                                 \
        uint32_t there, place;                                                                                         \
        __asm__ volatile(                                                                                              \
            "la %1, 1f\n csrw mscratch, %1\n li %0, 0\n csrw %2, %3\n li %0, 1\n 1: csrw mscratch, zero"               \
            : "=&r"(there), "=&r"(place)                                                                               \
            : "i"(csr), "r"(value)                                                                                     \
            : "memory");                                                                                               \
        there != 0;                                                                                                    \
    })

// Reads one that is there.
#define csr_read(csr)                                                                                                  \
    ({                                                                                                                 \
        uint32_t value;                                                                                                \
        __asm__ volatile("csrr %0, %1" : "=r"(value) : "i"(csr) : "memory");                                           \
        value;                                                                                                         \
    })
