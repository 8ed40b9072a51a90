// What the device says of itself. The numbers 2e8a:000a are Raspberry Pi's for a serial port on an RP2040, which its list
// (github.com/raspberrypi/usb-pid) asks firmware that needs no driver of its own to use; the names are ours.
#pragma once
#include <stdint.h>

enum { DEVICE = 1, CONFIGURATION = 2, STRING = 3, INTERFACE = 4, ENDPOINT = 5, CLASS_SPECIFIC = 0x24 };
enum { LANGUAGES, MANUFACTURER, PRODUCT, STRINGS };
enum { NOTIFICATION_IN = 0x81, DATA_OUT = 0x02, DATA_IN = 0x82 };

#define TWO(value) (value) & 0xFF, (value) >> 8

static const uint8_t device_descriptor[18] = {
    18, DEVICE, TWO(0x0200), 0x02, 0, 0,  // USB 2.0; a communications device
    64, TWO(0x2E8A), TWO(0x000A), TWO(0x0100), MANUFACTURER, PRODUCT, 0, 1,
};

enum { CONFIGURATION_BYTES = 67 };
static const uint8_t configuration_descriptor[CONFIGURATION_BYTES] = {
    9, CONFIGURATION, TWO(CONFIGURATION_BYTES), 2, 1, 0, 0x80, 50,  // two interfaces; powered by the bus, 100 mA
    9, INTERFACE, 0, 0, 1, 0x02, 0x02, 0, 0,                        // communication: abstract control model
    5, CLASS_SPECIFIC, 0, TWO(0x0120),                              // CDC 1.2
    5, CLASS_SPECIFIC, 1, 0, 1,                                     // no call management
    4, CLASS_SPECIFIC, 2, 0x02,                                     // line coding and control line state
    5, CLASS_SPECIFIC, 6, 0, 1,                                     // interface 0 controls interface 1
    7, ENDPOINT, NOTIFICATION_IN, 3, TWO(8), 255,                   // by interrupt; never sends
    9, INTERFACE, 1, 0, 2, 0x0A, 0, 0, 0,                           // data
    7, ENDPOINT, DATA_OUT, 2, TWO(64), 0,                           // bulk
    7, ENDPOINT, DATA_IN, 2, TWO(64), 0,
};

static const char *const strings[STRINGS] = {"\x09\x04", "tinyproof", "Pico, RP2040"};  // the first: US English
