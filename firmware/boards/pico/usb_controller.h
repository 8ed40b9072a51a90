// The RP2040's USB controller as a device: its registers (data sheet 4.1.4) and its memory (4.1.2.5).
#pragma once
#include "rp2040.h"

typedef struct {
    uint8_t setup[8];
    reg32 endpoint_control[15][2];  // from endpoint 1 on; to the host, from the host
    reg32 buffer_control[16][2];    // the same, from endpoint 0 on
    uint8_t control_buffer[64];
    uint8_t reserved[64];
    uint8_t buffers[2][64];  // of the data endpoint: from the host, to the host
} rp2040_usb_memory;
#define USB_MEMORY ((rp2040_usb_memory *)0x50100000)

enum { ENDPOINT_ENABLE = 1u << 31, ENDPOINT_INTERRUPT = 1u << 29, ENDPOINT_BULK = 2u << 26 };
enum {
    BUFFER_FULL = 1u << 15,
    BUFFER_DATA1 = 1u << 13,
    BUFFER_STALL = 1u << 11,
    BUFFER_AVAILABLE = 1u << 10,
    BUFFER_SIZE = 0x3FF,
};

typedef struct {
    reg32 address, reserved_0[15], main_control, reserved_1[2], sie_control, sie_status, reserved_2, buffer_status,
        reserved_3[3], stall_arm, reserved_4[2], muxing, power, reserved_5[5], interrupts, reserved_6, interrupt_status;
} rp2040_usb;
#define USB ((rp2040_usb *)0x50110000)
enum {
    CONTROLLER_ENABLE = 1u << 0,
    // of sie_control
    CONTROL_INTERRUPTS = 1u << 29,
    PULL_UP = 1u << 16,
    // of sie_status
    BUS_WAS_RESET = 1u << 19,
    SETUP_CAME = 1u << 17,
    // of stall_arm
    STALL_CONTROL = 3u << 0,
    // of muxing and power
    TO_PHY = 1u << 0,
    SOFTWARE_CONNECTS = 1u << 3,
    VBUS_DETECTED = 1u << 3,
    VBUS_OVERRIDE = 1u << 2,
    // of interrupts and interrupt_status
    INTERRUPT_SETUP = 1u << 16,
    INTERRUPT_BUS_RESET = 1u << 12,
    INTERRUPT_BUFFERS = 1u << 4,
};
