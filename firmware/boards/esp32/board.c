// ESP32, ESP32-S3 and ESP32-C3 under ESP-IDF: UART0, which the board's USB bridge is wired to, and the CPU's own cycle
// counter. UART0 belongs to the protocol alone: sdkconfig.defaults turns the console and every log off.
#include "board.h"

#include <driver/gpio.h>
#include <driver/uart.h>
#include <esp_cpu.h>
#include <freertos/FreeRTOS.h>
#include <freertos/idf_additions.h>
#include <freertos/task.h>
#include <sdkconfig.h>
#include <soc/uart_pins.h>

#include "app.h"

enum {
    BAUD = 115200,              // as host/transport.py
    RECEIVE_BYTES = 16 * 1024,  // the driver fills it while the model runs; the line has no flow control
    STACK_BYTES = 16 * 1024,
    CORE = portNUM_PROCESSORS - 1,  // cycle counters are per core, and the last core serves no system interrupts
    BLINK_MS = 100,
};

#ifdef CONFIG_IDF_TARGET_ESP32
static const gpio_num_t LED = GPIO_NUM_2;  // on most ESP32 boards; on the others nothing is connected to it
#else
static const gpio_num_t LED = GPIO_NUM_NC;  // these boards have an addressable light, which takes a driver of its own
#endif

static StackType_t stack[STACK_BYTES];
static StaticTask_t task;
static board_state shown = BOARD_FAILED;

const board_info board = {
    .name = CONFIG_IDF_TARGET,
    .counter_unit = "cycles",
    .counter_numerator = 1,
    .counter_denominator = 1,
    .clock_hz = CONFIG_ESP_DEFAULT_CPU_FREQ_MHZ * 1000000,
    .receive_buffer_bytes = RECEIVE_BYTES,
    .baud = BAUD,
    .stack = stack,
    .stack_bytes = sizeof stack,
};

void board_init(void) {
    const uart_config_t line = {
        .baud_rate = BAUD,
        .data_bits = UART_DATA_8_BITS,
        .parity = UART_PARITY_DISABLE,
        .stop_bits = UART_STOP_BITS_1,
        .flow_ctrl = UART_HW_FLOWCTRL_DISABLE,
        .source_clk = UART_SCLK_DEFAULT,
    };
    ESP_ERROR_CHECK(uart_driver_install(UART_NUM_0, RECEIVE_BYTES, 0, 0, NULL, 0));
    ESP_ERROR_CHECK(uart_param_config(UART_NUM_0, &line));
    ESP_ERROR_CHECK(uart_set_pin(UART_NUM_0, U0TXD_GPIO_NUM, U0RXD_GPIO_NUM, UART_PIN_NO_CHANGE, UART_PIN_NO_CHANGE));
    if (LED != GPIO_NUM_NC) ESP_ERROR_CHECK(gpio_set_direction(LED, GPIO_MODE_OUTPUT));
    board_write((const uint8_t[]){0}, 1);  // no frame begins with what the boot ROM said
}

size_t board_read(uint8_t *data, size_t capacity) {
    const int size = uart_read_bytes(UART_NUM_0, data, capacity, 0);
    return size > 0 ? (size_t)size : 0;
}

// Blocks until the last byte is in the UART, which sends whether or not anybody listens.
void board_write(const uint8_t *data, size_t size) { uart_write_bytes(UART_NUM_0, data, size); }

void board_set_baud(uint32_t baud) {
    uart_wait_tx_done(UART_NUM_0, portMAX_DELAY);  // into a UART without flow control, so it ends
    uart_set_baudrate(UART_NUM_0, baud);
}

uint32_t board_counter(void) { return esp_cpu_get_cycle_count(); }

static void light(bool on) {
    if (LED != GPIO_NUM_NC) gpio_set_level(LED, on);
}

// On when all is well, dark while the model runs, blinking fast when the board failed.
void board_status(board_state state) {
    shown = state;
    light(state == BOARD_READY);
}

static void run(void *unused) {
    (void)unused;
    app_init();
    for (;;) {
        app_poll();
        if (shown == BOARD_FAILED) light(pdTICKS_TO_MS(xTaskGetTickCount()) / BLINK_MS % 2 != 0);
        vTaskDelay(1);  // lets the idle task run, which feeds the watchdog
    }
}

void app_main(void) {
    board_init();
    xTaskCreateStaticPinnedToCore(run, "tinyproof", sizeof stack, NULL, 1, stack, &task, CORE);
}
