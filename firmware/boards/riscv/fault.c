#include "riscv/fault.h"

#include "log.h"
#include "shared/text.h"

static const uint32_t MAGIC = 0x6661756C;
enum { INTERRUPT = 0x80000000u };

static struct {
    uint32_t magic, cause, pc, caller, value;
} fault __attribute__((section(".noinit")));

__attribute__((used)) void fault_keep(uint32_t caller) {
    uint32_t cause, pc, value;
    __asm__ volatile("csrr %0, mcause\n csrr %1, mepc\n csrr %2, mtval" : "=r"(cause), "=r"(pc), "=r"(value));
    fault.cause = cause;
    fault.pc = pc;
    fault.value = value;
    fault.caller = caller;
    fault.magic = MAGIC;
    __asm__ volatile("fence" ::: "memory");
    board_reset();
}

void fault_report(void) {
    if (fault.magic != MAGIC) return;
    char text[160], *end = put_text(text, "the firmware stopped and was reset: ");
    end = put_two_digits(put_text(end, fault.cause & INTERRUPT ? "interrupt " : "exception "), fault.cause & 0xFF);
    end = put_hexadecimal(put_text(end, " at "), fault.pc);
    end = put_hexadecimal(put_text(end, ", called from "), fault.caller);
    end = put_hexadecimal(put_text(end, "; address "), fault.value);
    *end = '\0';
    fault.magic = 0;
    log_send(text);
}
