#include "usb_cdc.h"

#include <string.h>

#include "usb_descriptors.h"

// Requests (USB 2.0 table 9-4, CDC PSTN 1.2 table 13), with the direction, type and recipient in the low byte.
enum {
    GET_DEVICE_STATUS = 0x0080,
    GET_INTERFACE_STATUS = 0x0081,
    GET_ENDPOINT_STATUS = 0x0082,
    CLEAR_ENDPOINT_FEATURE = 0x0102,
    SET_ENDPOINT_FEATURE = 0x0302,
    SET_ADDRESS = 0x0500,
    GET_DESCRIPTOR = 0x0680,
    GET_CONFIGURATION = 0x0880,
    SET_CONFIGURATION = 0x0900,
    GET_INTERFACE = 0x0A81,
    SET_INTERFACE = 0x0B01,
    SET_LINE_CODING = 0x2021,
    GET_LINE_CODING = 0x21A1,
    SET_CONTROL_LINE_STATE = 0x2221,
};
enum { TO_HOST = 0x80, TYPE = 0x60, CLASS = 0x20, RECIPIENT = 0x1F, TO_INTERFACE = 0x01 };
enum { DTR = 1, TOUCH_BAUD = 1200, LINE_CODING_BYTES = 7, STRING_LIMIT = 31 };

typedef struct {
    uint16_t code, value, index, length;
} request;

static struct {
    enum { IDLE, DATA_TO_HOST, DATA_TO_US, STATUS_TO_HOST, STATUS_TO_US } stage;
    const uint8_t *data;  // still to be sent
    size_t size;
    bool empty_packet_ends;  // a reply shorter than asked for whose last packet is full
    uint8_t address;         // from the end of the transfer on; 0 without one
    bool bootloader;         // as well
} control;
static uint8_t reply[2 + 2 * STRING_LIMIT];
static uint8_t line_coding[LINE_CODING_BYTES];
static uint8_t configuration;
static uint8_t halted;  // bit 0: data to us, bit 1: data to the host
static volatile bool open;

bool usb_cdc_is_open(void) { return open; }

void usb_cdc_bus_reset(void) {
    static const uint8_t FIRST_CODING[LINE_CODING_BYTES] = {0x00, 0xC2, 0x01, 0x00, 0, 0, 8};  // 115200 8N1
    memset(&control, 0, sizeof control);
    memcpy(line_coding, FIRST_CODING, sizeof line_coding);
    configuration = 0;
    halted = 0;
    open = false;
    usb_set_address(0);
    usb_configure(false);
}

static void send_next(void) {
    const size_t size = control.size < USB_PACKET_BYTES ? control.size : USB_PACKET_BYTES;
    const uint8_t *data = control.data;
    control.data += size;
    control.size -= size;
    if (size < USB_PACKET_BYTES) control.empty_packet_ends = false;
    usb_control_send(data, size);
}

static bool send_reply(const request *r, const uint8_t *data, size_t size) {
    control.stage = DATA_TO_HOST;
    control.empty_packet_ends = size < r->length;
    control.data = data;
    control.size = size < r->length ? size : r->length;
    return true;
}

static bool reply_with(const request *r, uint8_t first, uint8_t second, size_t size) {
    reply[0] = first;
    reply[1] = second;
    return send_reply(r, reply, size);
}

static bool send_string(const request *r, uint8_t number) {
    if (number >= STRINGS) return false;
    const char *text = strings[number];
    if (number == LANGUAGES) {
        memcpy(reply + 2, text, 2);
        return reply_with(r, 4, STRING, 4);
    }
    size_t size = 2;
    for (; *text != 0 && size < sizeof reply; size += 2) {
        reply[size] = (uint8_t)*text++;
        reply[size + 1] = 0;
    }
    return reply_with(r, (uint8_t)size, STRING, size);
}

static bool send_descriptor(const request *r) {
    switch (r->value >> 8) {
        case DEVICE:
            return send_reply(r, device_descriptor, sizeof device_descriptor);
        case CONFIGURATION:
            return send_reply(r, configuration_descriptor, sizeof configuration_descriptor);
        case STRING:
            return send_string(r, (uint8_t)r->value);
        default:
            return false;
    }
}

// The bit of an endpoint in `halted`; 0 for one that is not there.
static uint8_t halt_bit(const request *r) {
    return configuration == 0 ? 0 : r->index == DATA_OUT ? 1 : r->index == DATA_IN ? 2 : 0;
}

static bool halt(const request *r, bool on) {
    const uint8_t bit = halt_bit(r);
    if (bit == 0 || r->value != 0) return false;  // 0: the feature ENDPOINT_HALT
    halted = on ? halted | bit : halted & (uint8_t)~bit;
    usb_halt((uint8_t)r->index, on);
    return true;
}

static bool set_configuration(uint16_t value) {
    if (value > 1) return false;
    configuration = (uint8_t)value;
    halted = 0;
    open = false;
    usb_configure(configuration != 0);
    return true;
}

static bool set_control_line_state(uint16_t value) {
    const uint32_t baud = line_coding[0] | (uint32_t)line_coding[1] << 8 | (uint32_t)line_coding[2] << 16;
    open = configuration != 0 && (value & DTR);
    control.bootloader = !open && baud == TOUCH_BAUD && line_coding[3] == 0;
    return true;
}

// Whether the device takes the request; then `control` says what follows, at first a status.
static bool handle(const request *r) {
    switch (r->code) {
        case GET_DEVICE_STATUS:
        case GET_INTERFACE_STATUS:
            return reply_with(r, 0, 0, 2);
        case GET_ENDPOINT_STATUS:
            return (r->index & 0x7F) == 0 || halt_bit(r) ? reply_with(r, (halted & halt_bit(r)) != 0, 0, 2) : false;
        case CLEAR_ENDPOINT_FEATURE:
            return halt(r, false);
        case SET_ENDPOINT_FEATURE:
            return halt(r, true);
        case SET_ADDRESS:
            control.address = r->value & 0x7F;
            return r->value <= 0x7F;
        case GET_DESCRIPTOR:
            return send_descriptor(r);
        case GET_CONFIGURATION:
            return reply_with(r, configuration, 0, 1);
        case SET_CONFIGURATION:
            return set_configuration(r->value);
        case GET_INTERFACE:
            return configuration != 0 && r->index <= 1 && reply_with(r, 0, 0, 1);
        case SET_INTERFACE:
            return configuration != 0 && r->index <= 1 && r->value == 0;
        case GET_LINE_CODING:
            return send_reply(r, line_coding, sizeof line_coding);
        case SET_LINE_CODING:
            control.stage = DATA_TO_US;
            return r->length == LINE_CODING_BYTES;
        case SET_CONTROL_LINE_STATE:
            return set_control_line_state(r->value);
        default:
            return false;
    }
}

void usb_cdc_setup(const uint8_t packet[USB_SETUP_BYTES]) {
    request r = {
        .code = (uint16_t)(packet[0] | packet[1] << 8),
        .value = (uint16_t)(packet[2] | packet[3] << 8),
        .index = (uint16_t)(packet[4] | packet[5] << 8),
        .length = (uint16_t)(packet[6] | packet[7] << 8),
    };
    // There is one function that class requests can be for, whomever they are addressed to.
    if ((r.code & TYPE) == CLASS) r.code = (uint16_t)((r.code & ~RECIPIENT) | TO_INTERFACE);
    memset(&control, 0, sizeof control);
    control.stage = STATUS_TO_HOST;
    if (!handle(&r)) {
        memset(&control, 0, sizeof control);
        usb_control_stall();
    } else if (control.stage == DATA_TO_HOST && r.length > 0) {
        send_next();
    } else if (control.stage == DATA_TO_US) {
        usb_control_expect();
    } else {
        control.stage = STATUS_TO_HOST;
        usb_control_send(NULL, 0);
    }
}

static void finish(void) {
    const bool bootloader = control.bootloader;
    if (control.address != 0) usb_set_address(control.address);
    memset(&control, 0, sizeof control);
    if (bootloader) usb_enter_bootloader();
}

void usb_cdc_control_sent(void) {
    if (control.stage == STATUS_TO_HOST) {
        finish();
    } else if (control.stage == DATA_TO_HOST && (control.size > 0 || control.empty_packet_ends)) {
        send_next();
    } else if (control.stage == DATA_TO_HOST) {
        control.stage = STATUS_TO_US;
        usb_control_expect();
    }
}

void usb_cdc_control_received(const uint8_t *data, size_t size) {
    if (control.stage == DATA_TO_US && size == LINE_CODING_BYTES) {
        memcpy(line_coding, data, sizeof line_coding);
        control.stage = STATUS_TO_HOST;
        usb_control_send(NULL, 0);
    } else if (control.stage == DATA_TO_US) {
        memset(&control, 0, sizeof control);
        usb_control_stall();
    } else if (control.stage == STATUS_TO_US) {
        finish();
    }
}
