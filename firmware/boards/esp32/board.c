// ESP32, ESP32-S3 and ESP32-C3 under ESP-IDF: a line of line.h and the CPU's own cycle counter. The line belongs to the
// protocol alone: sdkconfig.defaults turns the console and every log off.
#include "board.h"

#include <driver/gpio.h>
#include <esp_cpu.h>
#include <freertos/FreeRTOS.h>
#include <freertos/idf_additions.h>
#include <freertos/task.h>

#include "app.h"
#include "line.h"

enum {
    CORE = portNUM_PROCESSORS - 1,  // cycle counters are per core, and the last core serves no system interrupts
    BLINK_MS = 100,
};

#ifdef CONFIG_IDF_TARGET_ESP32
static const gpio_num_t LED = GPIO_NUM_2;  // on most ESP32 boards; on the others nothing is connected to it
#else
static const gpio_num_t LED = GPIO_NUM_NC;  // these boards have an addressable light, which takes a driver of its own
#endif

StackType_t task_stack[TASK_STACK_BYTES];
static StaticTask_t task;
static board_state shown = BOARD_FAILED;

void board_init(void) {
    line_init();
    if (LED != GPIO_NUM_NC) ESP_ERROR_CHECK(gpio_set_direction(LED, GPIO_MODE_OUTPUT));
    board_write((const uint8_t[]){0}, 1);  // no frame begins with what the boot ROM said
}

size_t board_read(uint8_t *data, size_t capacity) { return line_read(data, capacity); }

void board_write(const uint8_t *data, size_t size) { line_write(data, size); }

void board_set_baud(uint32_t baud) { line_set_baud(baud); }

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
    xTaskCreateStaticPinnedToCore(run, "tinyproof", sizeof task_stack, NULL, 1, task_stack, &task, CORE);
}
