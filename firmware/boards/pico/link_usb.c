// The line over the chip's USB connector, as a serial port (usb_cdc.c): the device controller of the RP2040 (data sheet 4.1).
// What comes while there is no room waits in the host. Nothing is sent before a program there has opened the port.
#include <string.h>

#include "clocks.h"
#include "link.h"
#include "received.h"
#include "usb_cdc.h"
#include "usb_controller.h"
#include "watchdog.h"

enum { OUT, IN, DIRECTIONS };  // as the host sees it
enum { LONGEST_PART = USB_PACKET_BYTES - 1 };  // a full packet would have to be followed by an empty one

static volatile bool held;                 // the host is kept waiting: no room for a packet
static volatile bool sending;
static uint8_t next_toggle[USB_ENDPOINTS][DIRECTIONS];

static uint8_t *memory_of(unsigned endpoint, unsigned direction) {
    return endpoint == USB_CONTROL ? USB_MEMORY->control_buffer : USB_MEMORY->buffers[direction];
}

static void make_available(unsigned endpoint, unsigned direction, uint32_t what) {
    reg32 *const control = &USB_MEMORY->buffer_control[endpoint][direction == OUT];
    what |= next_toggle[endpoint][direction] ? BUFFER_DATA1 : 0;
    next_toggle[endpoint][direction] ^= 1;
    *control = what;
    // The controller runs at 48 MHz and has to see the rest first (4.1.2.5.1).
    __asm__ volatile("nop\n nop\n nop\n nop\n nop\n nop\n nop\n nop\n nop\n nop\n nop\n nop");
    *control = what | BUFFER_AVAILABLE;
}

static void send(unsigned endpoint, const uint8_t *data, size_t size) {
    uint8_t *const memory = memory_of(endpoint, IN);
    for (size_t i = 0; i < size; i++) memory[i] = data[i];
    make_available(endpoint, IN, BUFFER_FULL | (uint32_t)size);
}

static void expect_data(void) {
    held = received_room() < USB_PACKET_BYTES;
    if (!held) make_available(USB_DATA, OUT, USB_PACKET_BYTES);
}

void usb_control_send(const uint8_t *data, size_t size) { send(USB_CONTROL, data, size); }

void usb_control_expect(void) { make_available(USB_CONTROL, OUT, USB_PACKET_BYTES); }

void usb_control_stall(void) {
    USB->stall_arm = STALL_CONTROL;
    USB_MEMORY->buffer_control[USB_CONTROL][0] = BUFFER_STALL;
    USB_MEMORY->buffer_control[USB_CONTROL][1] = BUFFER_STALL;
}

void usb_set_address(uint8_t address) { USB->address = address; }

void usb_configure(bool on) {
    sending = false;
    held = false;
    memset(next_toggle[USB_DATA], 0, sizeof next_toggle[USB_DATA]);
    USB_MEMORY->buffer_control[USB_DATA][0] = 0;
    USB_MEMORY->buffer_control[USB_DATA][1] = 0;
    const uint32_t control = on ? ENDPOINT_ENABLE | ENDPOINT_INTERRUPT | ENDPOINT_BULK : 0;
    USB_MEMORY->endpoint_control[USB_DATA - 1][0] = control | (uint32_t)offsetof(rp2040_usb_memory, buffers[IN]);
    USB_MEMORY->endpoint_control[USB_DATA - 1][1] = control | (uint32_t)offsetof(rp2040_usb_memory, buffers[OUT]);
    if (on) expect_data();
}

void usb_halt(uint8_t endpoint_address, bool halted) {
    const unsigned direction = endpoint_address & 0x80 ? IN : OUT;
    USB_MEMORY->buffer_control[USB_DATA][direction == OUT] = halted ? BUFFER_STALL : 0;
    next_toggle[USB_DATA][direction] = 0;
    if (halted) return;
    if (direction == IN) {
        sending = false;
    } else {
        expect_data();
    }
}

// By the boot ROM's function `UB`, looked up in its table (2.8.3).
void usb_enter_bootloader(void) {
    typedef void *(*find_function)(const uint16_t *table, uint32_t code);
    typedef void (*boot_from_usb)(uint32_t light_pins, uint32_t disabled_interfaces);
    const uint16_t *rom = (const uint16_t *)(uintptr_t)0x10;
    __asm__("" : "+r"(rom));  // a place that a compiler takes for a mistake
    const find_function find = (find_function)(uintptr_t)rom[4];
    watchdog_stop();
    ((boot_from_usb)find((const uint16_t *)(uintptr_t)rom[2], 'U' | 'B' << 8))(0, 0);
}

void link_init(void) {
    peripherals_start(RESET_USB);
    memset((void *)(uintptr_t)USB_MEMORY, 0, sizeof *USB_MEMORY);
    USB->muxing = TO_PHY | SOFTWARE_CONNECTS;
    USB->power = VBUS_DETECTED | VBUS_OVERRIDE;  // powered by it, or there is no host to talk to
    USB->main_control = CONTROLLER_ENABLE;
    USB->sie_control = CONTROL_INTERRUPTS;
    USB->interrupts = INTERRUPT_BUFFERS | INTERRUPT_BUS_RESET | INTERRUPT_SETUP;
    usb_cdc_bus_reset();
    NVIC_ISER = 1u << LINK_IRQ;
    set_bits(&USB->sie_control, PULL_UP);
}

void link_set_baud(uint32_t baud) { (void)baud; }

static void take_data(void) {
    const size_t size = USB_MEMORY->buffer_control[USB_DATA][1] & BUFFER_SIZE;
    for (size_t i = 0; i < size; i++) received_put(USB_MEMORY->buffers[OUT][i]);
    expect_data();
}

static void look_after_buffers(uint32_t done) {
    USB->buffer_status = done;
    if (done & 1u << (2 * USB_CONTROL)) usb_cdc_control_sent();
    if (done & 2u << (2 * USB_CONTROL)) {
        const size_t size = USB_MEMORY->buffer_control[USB_CONTROL][1] & BUFFER_SIZE;
        usb_cdc_control_received(USB_MEMORY->control_buffer, size);
    }
    if (done & 1u << (2 * USB_DATA)) sending = false;
    if (done & 2u << (2 * USB_DATA)) take_data();
}

void link_interrupt(void) {
    const uint32_t status = USB->interrupt_status;
    if (status & INTERRUPT_BUS_RESET) {
        USB->sie_status = BUS_WAS_RESET;
        USB->buffer_status = ~0u;
        usb_cdc_bus_reset();
    } else if (status & INTERRUPT_BUFFERS) {
        look_after_buffers(USB->buffer_status);
    }
    if (status & INTERRUPT_SETUP) {
        uint8_t packet[USB_SETUP_BYTES];
        memcpy(packet, (const void *)(uintptr_t)USB_MEMORY->setup, sizeof packet);
        USB->sie_status = SETUP_CAME;
        next_toggle[USB_CONTROL][IN] = next_toggle[USB_CONTROL][OUT] = 1;
        usb_cdc_setup(packet);
    }
}

bool link_is_open(void) { return usb_cdc_is_open(); }

size_t link_read(uint8_t *data, size_t capacity) {
    const size_t size = received_take(data, capacity);
    __asm__ volatile("cpsid i" : : : "memory");
    if (held) expect_data();
    __asm__ volatile("cpsie i" : : : "memory");
    return size;
}

// Whether the data endpoint is free; false when the port was closed.
static bool wait_to_send(void) {
    for (;;) {
        __asm__ volatile("cpsid i" : : : "memory");
        const bool wait = usb_cdc_is_open() && sending;
        if (wait) __asm__ volatile("wfi");
        __asm__ volatile("cpsie i" : : : "memory");
        if (!wait) return link_is_open();
    }
}

void link_write(const uint8_t *data, size_t size) {
    while (size > 0 && wait_to_send()) {
        const size_t part = size < LONGEST_PART ? size : LONGEST_PART;
        __asm__ volatile("cpsid i" : : : "memory");
        sending = true;
        send(USB_DATA, data, part);
        __asm__ volatile("cpsie i" : : : "memory");
        data += part;
        size -= part;
    }
}
