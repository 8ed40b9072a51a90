// A host that knows no manners, around usb_cdc.c: random control transfers, some of them right, and packets that nobody
// asked for. Exit status 1 where the device says what USB does not allow. usb_host COUNT SEED
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "usb_cdc.h"

static uint32_t state;
static bool pending, expecting, stalled, configured;
static size_t last_size, total, asked;
static unsigned packets, accepted, refused, opened, boots;
static uint8_t address;

static void require(bool holds, const char *what) {
    if (holds) return;
    fprintf(stderr, "%s\n", what);
    exit(1);
}

static uint32_t draw(uint32_t below) {
    state = state * 1664525u + 1013904223u;
    return (uint32_t)(((uint64_t)state * below) >> 32);
}

void usb_control_send(const uint8_t *data, size_t size) {
    uint8_t copy[USB_PACKET_BYTES];
    require(size <= USB_PACKET_BYTES, "a packet longer than the endpoint's");
    if (size > 0) memcpy(copy, data, size);  // the sanitizer sees what is read
    require(!pending, "a packet before the one before was taken");
    pending = true;
    last_size = size;
    total += size;
    packets++;
}
void usb_control_expect(void) { expecting = true; }
void usb_control_stall(void) { stalled = true; }
void usb_set_address(uint8_t value) {
    require(value <= 127, "an address that is none");
    address = value;
}
void usb_configure(bool on) { configured = on; }
void usb_halt(uint8_t endpoint, bool halted) {
    (void)halted;
    require(configured && (endpoint == 0x02 || endpoint == 0x82), "a halt of an endpoint that is not there");
}
void usb_enter_bootloader(void) { boots++; }

// Requests that exist, whose fields are then changed now and then.
static const uint8_t KNOWN[][8] = {
    {0x80, 6, 0, 1, 0, 0, 18, 0},    {0x80, 6, 0, 2, 0, 0, 255, 0}, {0x80, 6, 1, 3, 9, 4, 255, 0}, {0x00, 5, 9, 0, 0, 0, 0, 0},
    {0x00, 9, 1, 0, 0, 0, 0, 0},     {0x80, 8, 0, 0, 0, 0, 1, 0},   {0x81, 10, 0, 0, 1, 0, 1, 0},  {0x01, 11, 0, 0, 1, 0, 0, 0},
    {0x02, 3, 0, 0, 0x82, 0, 0, 0},  {0x02, 1, 0, 0, 2, 0, 0, 0},   {0x82, 0, 0, 0, 2, 0, 2, 0},   {0x80, 0, 0, 0, 0, 0, 2, 0},
    {0x21, 0x20, 0, 0, 0, 0, 7, 0},  {0xA1, 0x21, 0, 0, 0, 0, 7, 0}, {0x21, 0x22, 1, 0, 0, 0, 0, 0}, {0x21, 0x22, 0, 0, 0, 0, 0, 0},
};

// To the end of the transfer, or until the host has enough of it.
static void follow(const uint8_t *packet) {
    const bool to_host = packet[0] & 0x80;
    for (unsigned step = 0; step < 8 && !stalled && (pending || expecting); step++) {
        if (draw(50) == 0) return;  // another setup comes in between
        if (pending) {
            pending = false;
            usb_cdc_control_sent();
        } else {
            uint8_t data[USB_PACKET_BYTES];
            const size_t right = to_host ? 0 : 7;
            const size_t size = draw(10) == 0 ? draw(USB_PACKET_BYTES + 1) : right;
            for (size_t i = 0; i < size; i++) data[i] = (uint8_t)draw(256);
            if (draw(3) == 0) memcpy(data, "\xB0\x04\0", 4);  // 1200 baud
            expecting = false;
            usb_cdc_control_received(data, size);
        }
    }
    require(stalled || (!pending && !expecting), "a transfer that does not end");
    if (to_host && !stalled && asked > 0) {
        require(total <= asked, "more than was asked for");
        require(total == asked || last_size < USB_PACKET_BYTES, "a short answer whose last packet is full");
    }
}

int main(int count, char **words) {
    const unsigned long transfers = count > 1 ? strtoul(words[1], NULL, 10) : 1000;
    state = count > 2 ? (uint32_t)strtoul(words[2], NULL, 10) : 0;
    usb_cdc_bus_reset();
    for (unsigned long i = 0; i < transfers; i++) {
        uint8_t packet[8];
        memcpy(packet, KNOWN[draw(sizeof KNOWN / sizeof *KNOWN)], sizeof packet);
        for (uint32_t changes = draw(4) == 0 ? draw(4) : 0; changes > 0; changes--) packet[draw(8)] = (uint8_t)draw(256);
        pending = expecting = stalled = false;
        total = 0;
        asked = (size_t)(packet[6] | packet[7] << 8);
        usb_cdc_setup(packet);
        require(stalled || pending || expecting, "a setup that is not answered");
        *(stalled ? &refused : &accepted) += 1;
        follow(packet);
        opened += usb_cdc_is_open();
        require(!usb_cdc_is_open() || configured, "an open port of a device that is not configured");
        pending = false;
        if (draw(100) == 0) usb_cdc_control_sent();
        pending = false;
        if (draw(100) == 0) usb_cdc_control_received(packet, draw(9));
        if (draw(1000) == 0) {
            pending = expecting = false;
            usb_cdc_bus_reset();
            require(address == 0 && !configured && !usb_cdc_is_open(), "a reset that something survived");
        }
    }
    printf("%u %u %u %u %u\n", accepted, refused, packets, opened, boots);
    return 0;
}
