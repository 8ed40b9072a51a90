// The registers of the ESP32-C3 that this board uses, as its technical reference manual has them; the name of each
// chapter is above them.
#pragma once
#include <stdint.h>

#define REGISTER(address) (*(volatile uint32_t *)(address))

// UART Controller
typedef volatile struct {
    uint32_t fifo, raw, interrupt, enable, clear, divider, filter, status, format, thresholds, reserved_0[17], state,
        reserved_1[2], clock, date, update;
} uart_registers;
#define UART0 ((uart_registers *)0x60000000)

// Low-power Management
#define RTC_OPTIONS REGISTER(0x60008000)
#define RTC_RESET_STATE REGISTER(0x60008038)
typedef volatile struct {
    uint32_t control, hold[4], feed, protect;
} rtc_watchdog_registers;
#define RTC_WATCHDOG ((rtc_watchdog_registers *)0x60008090)
#define SUPER_WATCHDOG REGISTER(0x600080AC)
#define SUPER_WATCHDOG_PROTECT REGISTER(0x600080B0)

// IO MUX and GPIO Matrix
#define PIN(number) REGISTER(0x60009004 + 4 * (number))

// Timer Group
#define GROUP_WATCHDOG REGISTER(0x6001F048)
#define GROUP_WATCHDOG_PROTECT REGISTER(0x6001F064)

// System Timer
typedef volatile struct {
    uint32_t configuration, request, reserved[15], count;
} system_timer_registers;
#define SYSTEM_TIMER ((system_timer_registers *)0x60023000)

// USB Serial/JTAG Controller
typedef volatile struct {
    uint32_t data, state;
} usb_registers;
#define USB ((usb_registers *)0x60043000)

// System Registers
#define CPU_CONFIGURATION REGISTER(0x600C0008)
#define PERIPHERAL_CLOCKS REGISTER(0x600C0010)
#define PERIPHERAL_RESETS REGISTER(0x600C0018)
#define CLOCK_CONFIGURATION REGISTER(0x600C0058)

// Interrupt Matrix
#define UART0_MAP REGISTER(0x600C2054)
#define CPU_INTERRUPTS REGISTER(0x600C2104)
#define CPU_INTERRUPT_TYPES REGISTER(0x600C2108)
#define CPU_INTERRUPT_PRIORITY(number) REGISTER(0x600C2114 + 4 * (number))
#define CPU_INTERRUPT_THRESHOLD REGISTER(0x600C2194)

// ESP-RISC-V CPU: the performance counter
enum { COUNTED_EVENT = 0x7E0, COUNTER_MODE = 0x7E1, COUNTER_VALUE = 0x7E2 };
