// A USB device that is one serial port: USB 2.0 chapter 9, and the abstract control model of CDC 1.2. Says what to answer
// and knows no hardware. A controller calls it, from one context at a time, and does what it asks for.
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { USB_PACKET_BYTES = 64, USB_SETUP_BYTES = 8 };
enum { USB_CONTROL, USB_NOTIFICATION, USB_DATA, USB_ENDPOINTS };  // numbers of endpoints

// What happened on the bus.
void usb_cdc_bus_reset(void);
void usb_cdc_setup(const uint8_t packet[USB_SETUP_BYTES]);
void usb_cdc_control_sent(void);  // the host took a packet of the control endpoint
void usb_cdc_control_received(const uint8_t *data, size_t size);

// Whether a program on the host has the port open: it raised DTR.
bool usb_cdc_is_open(void);

// What the controller does.
void usb_control_send(const uint8_t *data, size_t size);  // one packet
void usb_control_expect(void);                            // one packet from the host
void usb_control_stall(void);                             // until the next setup
void usb_set_address(uint8_t address);
void usb_configure(bool on);                              // the data endpoints, afresh: both toggles at DATA0
void usb_halt(uint8_t endpoint_address, bool halted);     // 0x02 or 0x82; the end of a halt sets the toggle to DATA0
void usb_enter_bootloader(void);
