// Arduino Nano 33 BLE and its Sense variants: nRF52840, the Arduino core's USB serial port, the Cortex-M4's cycle counter.
// Arduino's main() calls setup() once and loop() for ever. Nothing here waits for a host, and no watchdog is started.
#include <Arduino.h>
#include <rtx_os.h>

extern "C" {
#include "app.h"
#include "board.h"
}

// One USB packet. An answer that ended in a full one would wait in the host for the packet that ends the transfer, so
// board_write() never fills one.
static const size_t PACKET_BYTES = 64;

// setup() and loop() run on the main thread, as the constructors before them do: its stack is the application's.
static const osRtxThread_t *main_thread() { return static_cast<const osRtxThread_t *>(osThreadGetId()); }

static const uint32_t MARK_BYTES = 8;  // the RTOS keeps a mark in the lowest word and halts when it is overwritten

const board_info board = {
    .name = "nano33ble",
    .counter_unit = "cycles",
    .counter_numerator = 1,
    .counter_denominator = 1,
    .clock_hz = 64000000,
    // The core's ring buffer holds 256. What does not fit waits in the host, whose driver takes at least this: the core
    // takes a packet from the endpoint only when there is room for it, and until then the endpoint refuses the next.
    .receive_buffer_bytes = 4096,
    .stack = static_cast<uint8_t *>(main_thread()->stack_mem) + MARK_BYTES,
    .stack_bytes = main_thread()->stack_size - MARK_BYTES,
};

static board_state shown = BOARD_FAILED;

void board_init(void) {
    pinMode(LED_BUILTIN, OUTPUT);
    CoreDebug->DEMCR |= CoreDebug_DEMCR_TRCENA_Msk;
    DWT->CYCCNT = 0;
    DWT->CTRL |= DWT_CTRL_CYCCNTENA_Msk;
}

size_t board_read(uint8_t *data, size_t capacity) {
    size_t size = 0;
    for (int waiting = Serial.available(); waiting > 0 && size < capacity; waiting--) {
        data[size++] = static_cast<uint8_t>(Serial.read());
    }
    if (size == 0) yield();  // to the core's thread that reboots into the bootloader when the host asks for it
    return size;
}

// Blocks while the host, with the port open, does not take the bytes. Drops them when no program has the port open or
// the cable is gone: nobody is there to answer, and a host that comes back asks again.
void board_write(const uint8_t *data, size_t size) {
    while (size > 0) {
        const size_t part = min(size, PACKET_BYTES - 1);
        if (Serial.write(data, part) == 0) return;
        data += part;
        size -= part;
    }
}

void board_set_baud(uint32_t baud) { (void)baud; }

uint32_t board_counter(void) { return DWT->CYCCNT; }

// On when all is well, dark while the model runs, blinking fast when the board failed.
void board_status(board_state state) {
    shown = state;
    digitalWrite(LED_BUILTIN, state == BOARD_READY ? HIGH : LOW);
}

void setup() {
    board_init();
    app_init();
}

void loop() {
    app_poll();
    if (shown == BOARD_FAILED) digitalWrite(LED_BUILTIN, millis() / 100 % 2 ? HIGH : LOW);
}
