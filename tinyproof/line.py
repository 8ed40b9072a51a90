"""The speeds of a serial line."""

BAUD = 115200  # every board's line starts with it
FASTEST_BAUD = 921600  # every USB bridge of an ESP32 board does it
SLOWER_BAUDS = (460800, 230400)
