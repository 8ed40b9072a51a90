// The registers of the RP2040 that this firmware uses, as its data sheet has them; the number is the section there.
#pragma once
#include <stdint.h>

typedef volatile uint32_t reg32;

// Two more places of every peripheral's register (2.1.2): what is written there sets or clears those bits alone.
static inline void set_bits(reg32 *reg, uint32_t bits) { *(reg32 *)((uintptr_t)reg + 0x2000) = bits; }
static inline void clear_bits(reg32 *reg, uint32_t bits) { *(reg32 *)((uintptr_t)reg + 0x3000) = bits; }

// Interrupts (2.3.2).
enum { IRQ_USB = 5, IRQ_UART = 20, IRQS = 32 };  // of the two UARTs UART0's

// The Cortex-M0+'s own (2.4.8).
#define SYSTICK_CSR (*(reg32 *)0xE000E010)
#define SYSTICK_RVR (*(reg32 *)0xE000E014)
#define SYSTICK_CVR (*(reg32 *)0xE000E018)
#define NVIC_ISER (*(reg32 *)0xE000E100)
#define VTOR (*(reg32 *)0xE000ED08)
enum { SYSTICK_ENABLE = 1u << 0, SYSTICK_INTERRUPT = 1u << 1, SYSTICK_CPU_CLOCK = 1u << 2 };

// Which blocks the watchdog resets (2.13.5), and resets of peripherals (2.14.3).
#define PSM_WDSEL (*(reg32 *)0x40010008)
enum { PSM_ALL = 0x1FFFF, PSM_OSCILLATORS = 0x3 };
#define RESETS_RESET (*(reg32 *)0x4000C000)
#define RESETS_DONE (*(reg32 *)0x4000C008)
enum {
    RESET_IO_BANK0 = 1u << 5,
    RESET_PADS_BANK0 = 1u << 8,
    RESET_PLL_SYS = 1u << 12,
    RESET_PLL_USB = 1u << 13,
    RESET_UART0 = 1u << 22,
    RESET_USB = 1u << 24,
};

// Clocks (2.15.7), the crystal's oscillator (2.16.7), PLLs (2.18.4).
#define CLK_REF_CTRL (*(reg32 *)0x40008030)
#define CLK_REF_SELECTED (*(reg32 *)0x40008038)
#define CLK_SYS_CTRL (*(reg32 *)0x4000803C)
#define CLK_SYS_SELECTED (*(reg32 *)0x40008044)
#define CLK_PERI_CTRL (*(reg32 *)0x40008048)
#define CLK_USB_CTRL (*(reg32 *)0x40008054)
#define XOSC_CTRL (*(reg32 *)0x40024000)
#define XOSC_STATUS (*(reg32 *)0x40024004)
#define XOSC_STARTUP (*(reg32 *)0x4002400C)
typedef struct {
    reg32 status, power, feedback, post_dividers;
} rp2040_pll;
#define PLL_SYS ((rp2040_pll *)0x40028000)
#define PLL_USB ((rp2040_pll *)0x4002C000)

// Pins (2.19.6): what drives one, its pad, and the registers by which the processor does (2.3.1.7).
#define GPIO_CTRL(pin) (*(reg32 *)(0x40014004u + 8u * (pin)))
#define PAD(pin) (*(reg32 *)(0x4001C004u + 4u * (pin)))
#define SIO_OUT_SET (*(reg32 *)0xD0000014)
#define SIO_OUT_CLEAR (*(reg32 *)0xD0000018)
#define SIO_OUT_FLIP (*(reg32 *)0xD000001C)
#define SIO_OE_SET (*(reg32 *)0xD0000024)
enum { FUNCTION_UART = 2, FUNCTION_SIO = 5, PAD_INPUT = 1u << 6, PAD_4_MA = 1u << 4, PAD_PULL_UP = 1u << 3, PAD_SCHMITT = 1u << 1 };

// UART (4.2.8), an Arm PL011.
typedef struct {
    reg32 data, errors, reserved_0[4], flags, reserved_1[2], divider, fraction, line, control, levels, mask, raw, masked,
        clear;
} rp2040_uart;
#define UART0 ((rp2040_uart *)0x40034000)
enum {
    UART_BUSY = 1u << 3,
    UART_RX_EMPTY = 1u << 4,
    UART_TX_FULL = 1u << 5,
    UART_FIFOS = 1u << 4,
    UART_8_BITS = 3u << 5,
    UART_ENABLE = 1u << 0,
    UART_TX = 1u << 8,
    UART_RX = 1u << 9,
    UART_RX_INTERRUPT = 1u << 4,
    UART_RX_TIMEOUT = 1u << 6,
};

// Watchdog (4.7.6). Its scratch registers keep their content over its resets; the boot ROM reads 4 to 7.
typedef struct {
    reg32 control, load, reason, scratch[8], tick;
} rp2040_watchdog;
#define WATCHDOG ((rp2040_watchdog *)0x40058000)
enum { WATCHDOG_TRIGGER = 1u << 31, WATCHDOG_ENABLE = 1u << 30, WATCHDOG_TICK = 1u << 9, REASON_TIMER = 1u << 0 };

// The flash chip's interface (4.10.13), a DesignWare SSI, and the pads of its pins (2.19.6.4).
typedef struct {
    reg32 control_0, control_1, enable, reserved_0, chip_select, divider, reserved_1[4], status, reserved_2[13], data,
        reserved_3[35], sample_delay, spi_control;
} rp2040_ssi;
#define SSI ((rp2040_ssi *)0x18000000)
#define QSPI_PAD_CLOCK (*(reg32 *)0x40020004)
#define QSPI_PAD_DATA ((reg32 *)0x40020008)
