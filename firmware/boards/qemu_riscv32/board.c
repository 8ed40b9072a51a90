// A bare RV32IMC core, the instruction set of the ESP32-C3, on QEMU's `virt` machine. It has the chip's instructions and
// nothing else of it.
#include "board.h"

#include <string.h>

#include "app.h"
#include "uart_16550.h"

extern uint8_t stack_low[], stack_high[], data_start[], data_end[], data_load[], bss_start[], bss_end[];

const board_info board = {
    .name = BOARD_NAME,
    .counter_unit = "instructions",
    .counter_numerator = 1,
    .counter_denominator = 1,
    .receive_buffer_bytes = 4096,  // the emulator holds back what is not read
    .stack = stack_low,
    .stack_bytes = STACK_BYTES,
};

void board_init(void) { uart_16550_init(); }

size_t board_read(uint8_t *data, size_t capacity) { return uart_16550_read(data, capacity); }

void board_write(const uint8_t *data, size_t size) { uart_16550_write(data, size); }

uint32_t board_counter(void) {
    uint32_t retired;
    __asm__ volatile("csrr %0, minstret" : "=r"(retired));
    return retired;
}

void board_status(board_state state) { (void)state; }

int main(void) {
    board_init();
    app_init();
    for (;;) app_poll();
}

// A trap is a bug: the emulator ends with its cause as exit status instead of hanging.
static __attribute__((aligned(4), used)) void unexpected(void) {
    volatile uint32_t *const test_device = (volatile uint32_t *)0x100000;
    uint32_t cause;
    __asm__ volatile("csrr %0, mcause" : "=r"(cause));
    *test_device = cause << 16 | 0x3333;
    for (;;) {
    }
}

// Memory as C expects it, then main().
__attribute__((used)) static void start(void) {
    __asm__ volatile("csrw mtvec, %0" : : "r"(unexpected));
    memcpy(data_start, data_load, (size_t)(data_end - data_start));
    memset(bss_start, 0, (size_t)(bss_end - bss_start));
    main();
}

__attribute__((section(".reset"), naked, used)) void reset(void) {
    __asm__ volatile("la sp, stack_high\n j %0" : : "i"(start));
}
