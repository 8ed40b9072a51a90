// The second stage of the boot: the first 256 bytes of flash. The boot ROM checks their CRC-32 (the last four bytes, which
// firmware/uf2.py writes), copies them to the end of RAM and jumps to their first. Here the flash chip learns to be read as
// memory, and the program behind takes over.
//
// The Pico's chip is a W25Q16JV: fast read with four data lines (EBh), in the mode in which the command is sent only once,
// at half the system's clock. It is linked to where it runs, and calls nothing outside its section. A size that fits is asked
// for function by function: the rest of the firmware is compiled for speed.
#include "rp2040.h"

enum {
    READ_STATUS_1 = 0x05,
    WRITE_ENABLE = 0x06,
    WRITE_STATUS_2 = 0x31,
    READ_STATUS_2 = 0x35,
    FAST_READ_QUAD = 0xEB,
    CONTINUOUS = 0xA0,   // in the eight bits after an address: the next read begins with its address
    QUAD_ENABLE = 0x02,  // of status 2; kept without power
    WRITING = 0x01,      // of status 1
};

enum {
    STATUS_BUSY = 1u << 0,
    STATUS_SENT = 1u << 2,
    FRAME_BITS_LSB = 16,
    SEND_AND_RECEIVE = 0u << 8,
    COMMAND_THEN_RECEIVE = 3u << 8,
    FOUR_LINES = 2u << 21,
    // of spi_control
    COMMAND_ONE_LINE = 1u << 0,
    COMMAND_FOUR_LINES = 2u << 0,
    ADDRESS_32_BITS = 8u << 2,
    COMMAND_8_BITS = 2u << 8,
    WAIT_4_CLOCKS = 4u << 11,
    COMMAND_LSB = 24,
};

#ifdef __clang__
#define SMALL minsize
#else
#define SMALL optimize("Os")
#endif
#define BOOT2 __attribute__((section(".boot2"), noinline, SMALL))

__attribute__((section(".boot2.start"), used, noreturn, SMALL)) void boot2(void);

BOOT2 static void wait_until_sent(rp2040_ssi *ssi) {
    while ((ssi->status & (STATUS_SENT | STATUS_BUSY)) != STATUS_SENT) {
    }
}

// A command of one byte and one byte more, which is sent, and another received.
BOOT2 static uint32_t transfer(rp2040_ssi *ssi, uint32_t command, uint32_t value) {
    ssi->data = command;
    ssi->data = value;
    wait_until_sent(ssi);
    (void)ssi->data;
    return ssi->data;
}

BOOT2 static void enable_quad(rp2040_ssi *ssi) {
    if (transfer(ssi, READ_STATUS_2, 0) & QUAD_ENABLE) return;
    ssi->data = WRITE_ENABLE;
    wait_until_sent(ssi);
    (void)ssi->data;
    transfer(ssi, WRITE_STATUS_2, QUAD_ENABLE);
    while (transfer(ssi, READ_STATUS_1, 0) & WRITING) {
    }
}

void boot2(void) {
    rp2040_ssi *ssi = SSI;
    __asm__("" : "+r"(ssi));  // a pointer in a register takes fewer bytes than a constant in each function
    QSPI_PAD_CLOCK = 0x21;  // 8 mA, fast edges
    const uint32_t pad = QSPI_PAD_DATA[0] & ~(uint32_t)PAD_SCHMITT;  // whose delay is too long for this speed
    QSPI_PAD_DATA[0] = pad;
    QSPI_PAD_DATA[1] = pad;
    QSPI_PAD_DATA[2] = pad;
    QSPI_PAD_DATA[3] = pad;

    ssi->enable = 0;
    ssi->divider = 2;
    ssi->sample_delay = 1;
    ssi->chip_select = 1;
    ssi->control_0 = 7u << FRAME_BITS_LSB | SEND_AND_RECEIVE;
    ssi->enable = 1;
    enable_quad(ssi);

    ssi->enable = 0;
    ssi->control_0 = FOUR_LINES | 31u << FRAME_BITS_LSB | COMMAND_THEN_RECEIVE;
    ssi->control_1 = 0;  // one frame a read
    ssi->spi_control = COMMAND_8_BITS | ADDRESS_32_BITS | WAIT_4_CLOCKS | COMMAND_ONE_LINE;
    ssi->enable = 1;
    ssi->data = FAST_READ_QUAD;
    ssi->data = CONTINUOUS;  // address 0
    wait_until_sent(ssi);

    ssi->enable = 0;
    ssi->spi_control = (uint32_t)CONTINUOUS << COMMAND_LSB | ADDRESS_32_BITS | WAIT_4_CLOCKS | COMMAND_FOUR_LINES;
    ssi->enable = 1;

    extern const uint32_t vectors[];
    VTOR = (uint32_t)(uintptr_t)vectors;
    __asm__ volatile("msr msp, %0\n bx %1" : : "r"(vectors[0]), "r"(vectors[1]));
    __builtin_unreachable();
}
