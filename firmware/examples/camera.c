#include "camera.h"

#include <stdalign.h>

static frame_scaler scaler;
alignas(4) static int8_t input[MODEL_INPUT_BYTES];
static uint32_t scaling;  // counts of the clock since the frame's first row, without waiting for rows
static bool ready;

frame_view camera_view(frame_format format, int32_t width, int32_t height) {
    return frame_middle(format, width, height, MODEL_PICTURE_WIDTH, MODEL_PICTURE_HEIGHT);
}

static void print_size(const example_io *io, int32_t width, int32_t height) {
    example_print_number(io, width);
    io->print(" x ");
    example_print_number(io, height);
}

void camera_begin(const example_io *io, const frame_view *view, uint32_t *memory) {
    ready = example_begin(io);
    scaling = 0;
    scaler_begin(&scaler, view, MODEL_PICTURE_WIDTH, MODEL_PICTURE_HEIGHT, MODEL_PICTURE_CHANNELS, memory);
    io->print("The camera's frames are ");
    print_size(io, view->width, view->height);
    io->print("; the model sees ");
    print_size(io, view->crop_width, view->crop_height);
    io->print(" of it, made ");
    print_size(io, MODEL_PICTURE_WIDTH, MODEL_PICTURE_HEIGHT);
    io->print(MODEL_PICTURE_CHANNELS == 1 ? ", grey.\r\n" : ", in colour.\r\n");
}

static void answer(const example_io *io) {
    if (example_answer(io, input)) {
        io->print("; its picture took ");
        example_print_time(io, scaling);
    }
    io->print("\r\n");
}

void camera_row(const example_io *io, const uint8_t *row) {
    const uint32_t start = io->clock();
    const bool is_last = scaler_row(&scaler, input, row);
    scaling += io->clock() - start;
    if (!is_last) return;
    if (ready) answer(io);
    scaling = 0;
}

void camera_frame(const example_io *io, const uint8_t *frame) {
    const uint32_t start = io->clock();
    scaler_frame(&scaler, input, frame);
    scaling = io->clock() - start;
    if (ready) answer(io);
    scaling = 0;
}
