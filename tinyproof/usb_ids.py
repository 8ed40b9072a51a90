"""USB vendor and product numbers by which boards are known. Standard library alone, for make asks it too."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class UsbId:
    """A USB vendor and product number, and what carries it."""

    vendor: int
    product: int
    bearer: str

    def __str__(self) -> str:
        return f"{self.vendor:04x}:{self.product:04x} ({self.bearer})"


# Chips between USB and a UART: on boards by Espressif and others, and adapters.
USB_BRIDGES = (
    UsbId(0x10C4, 0xEA60, "CP210x"),
    UsbId(0x1A86, 0x7523, "CH340"),
    UsbId(0x1A86, 0x55D3, "CH343"),
    UsbId(0x1A86, 0x55D4, "CH9102"),
    UsbId(0x0403, 0x6001, "FT232R"),
    UsbId(0x0403, 0x6010, "FT2232H"),
    UsbId(0x0403, 0x6015, "FT231X"),
)

ESP_OWN_USB = UsbId(0x303A, 0x1001, "USB-Serial-JTAG of the chip")

# The number is Raspberry Pi's for a serial port on an RP2040 (boards/pico/usb_descriptors.h).
PICO_USB = UsbId(0x2E8A, 0x000A, "serial port of an RP2040")

ARDUINO_PROGRAM = UsbId(0x2341, 0x805A, "application")
ARDUINO_BOOTLOADER = UsbId(0x2341, 0x005A, "bootloader")
