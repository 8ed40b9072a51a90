// Camera as the application of an ESP32 board, by the component esp32-camera. What it says is on the board's UART.
#include <esp_camera.h>
#include <esp_err.h>

#include "app.h"
#include "board.h"
#include "board_io.h"
#include "camera.h"
#include "camera_esp32_pins.h"

enum {  // FRAMESIZE_QQVGA: a larger frame, such as QVGA's 320 x 240, needs PSRAM where the model leaves no room for it
    WIDTH = 160,
    HEIGHT = 120,
    SENSOR_CLOCK_HZ = 20000000,
    IS_GREY = MODEL_PICTURE_CHANNELS == 1,
};

static example_io io;
static uint32_t memory[CAMERA_WORDS(WIDTH, HEIGHT)];
static bool running;

static esp_err_t start_camera(void) {
    const camera_config_t config = {
        .pin_pwdn = CAMERA_PWDN,
        .pin_reset = -1,  // by a command
        .pin_xclk = CAMERA_XCLK,
        .pin_sccb_sda = CAMERA_SDA,
        .pin_sccb_scl = CAMERA_SCL,
        .pin_d7 = CAMERA_D7,
        .pin_d6 = CAMERA_D6,
        .pin_d5 = CAMERA_D5,
        .pin_d4 = CAMERA_D4,
        .pin_d3 = CAMERA_D3,
        .pin_d2 = CAMERA_D2,
        .pin_d1 = CAMERA_D1,
        .pin_d0 = CAMERA_D0,
        .pin_vsync = CAMERA_VSYNC,
        .pin_href = CAMERA_HREF,
        .pin_pclk = CAMERA_PCLK,
        .xclk_freq_hz = SENSOR_CLOCK_HZ,
        .ledc_timer = LEDC_TIMER_0,
        .ledc_channel = LEDC_CHANNEL_0,
        .pixel_format = IS_GREY ? PIXFORMAT_GRAYSCALE : PIXFORMAT_RGB565,
        .frame_size = FRAMESIZE_QQVGA,
        .fb_count = 1,
        .fb_location = CAMERA_FB_IN_DRAM,
        .grab_mode = CAMERA_GRAB_WHEN_EMPTY,
    };
    return esp_camera_init(&config);
}

void app_init(void) {
    const frame_view view = camera_view(IS_GREY ? FRAME_GREY : FRAME_RGB565, WIDTH, HEIGHT);
    io = board_io();
    camera_begin(&io, &view, memory);
    const esp_err_t failure = start_camera();
    running = failure == ESP_OK;
    if (!running) {
        io.print("The camera does not start (");
        io.print(esp_err_to_name(failure));
        io.print("): are its pins those in camera_esp32_pins.h?\r\n");
    }
    board_status(running ? BOARD_READY : BOARD_FAILED);
}

void app_poll(void) {
    if (!running) return;
    camera_fb_t *frame = esp_camera_fb_get();
    if (frame == NULL) {
        io.print("No frame came from the camera.\r\n");
        return;
    }
    board_status(BOARD_BUSY);
    camera_frame(&io, frame->buf);
    board_status(BOARD_READY);
    esp_camera_fb_return(frame);
}
