#include "example.h"

#include <stddef.h>

#include "engine.h"
#include "model_settings.h"

enum {
    BEST = 3,     // classes of an output that are shown
    WIDEST = 64,  // of a picture that is shown, in characters
};

void example_print_number(const example_io *io, int32_t number) {
    char text[12];
    char *start = text + sizeof text - 1;
    *start = '\0';
    uint32_t rest = number < 0 ? 0u - (uint32_t)number : (uint32_t)number;
    do {
        *--start = (char)('0' + rest % 10);
        rest /= 10;
    } while (rest > 0);
    if (number < 0) *--start = '-';
    io->print(start);
}

static int32_t size_of(const tensor_spec *spec) {
    int32_t size = 1;
    for (int i = 0; i < spec->rank; i++) size *= spec->dims[i];
    return size;
}

// 28 x 28 x 1, without the batch.
static void print_shape(const example_io *io, const tensor_spec *spec) {
    for (int i = spec->rank > 1; i < spec->rank; i++) {
        if (i > 1) io->print(" x ");
        example_print_number(io, spec->dims[i]);
    }
}

static void print_shapes(const example_io *io, const char *what, const tensor_spec *specs, int count) {
    for (int i = 0; i < count; i++) {
        io->print(i > 0 ? " and " : what);
        print_shape(io, &specs[i]);
    }
}

bool example_begin(const example_io *io) {
    static bool ready;
    static const char *failure;
    io->print("\r\nModel " MODEL_NAME);
    print_shapes(io, ": input ", model_inputs, MODEL_INPUT_COUNT);
    print_shapes(io, ", output ", model_outputs, MODEL_OUTPUT_COUNT);
    io->print(", engine ");
    io->print(engine_name());
    io->print("\r\n");
    if (!ready) failure = engine_init();
    ready = true;
    if (failure == NULL) return true;
    io->print("It does not start: ");
    io->print(failure);
    io->print("\r\n");
    return false;
}

// Whether the output's values, all of them, are 0 to 1.
static bool is_probability(const tensor_spec *spec) { return spec->zero_point == -128 && spec->scale * 255 <= 1.0f; }

// To the nearest; a half away from zero.
static int32_t rounded(float value) { return (int32_t)(value < 0 ? value - 0.5f : value + 0.5f); }

static void print_score(const example_io *io, const tensor_spec *spec, int8_t value) {
    const float real = spec->scale * (float)(value - spec->zero_point);
    const int32_t hundredths = rounded(real * 100);
    if (is_probability(spec)) {
        example_print_number(io, hundredths);
        io->print(" %");
        return;
    }
    const int32_t size = hundredths < 0 ? -hundredths : hundredths;
    if (hundredths < 0) io->print("-");
    example_print_number(io, size / 100);
    io->print(size % 100 < 10 ? ".0" : ".");
    example_print_number(io, size % 100);
}

// The next best class after `last`, the first of equals; `last` is -1 at the start.
static int32_t next_best(const int8_t *values, int32_t size, int32_t last) {
    int32_t best = -1;
    for (int32_t i = 0; i < size; i++) {
        const bool shown = last >= 0 && (values[i] > values[last] || (values[i] == values[last] && i <= last));
        if (!shown && (best < 0 || values[i] > values[best])) best = i;
    }
    return best;
}

void example_print_scores(const example_io *io, const int8_t *output) {
    for (int tensor = 0; tensor < MODEL_OUTPUT_COUNT; tensor++) {
        const tensor_spec *spec = &model_outputs[tensor];
        const int32_t size = size_of(spec);
        const bool named = size == MODEL_LABEL_COUNT;
        int32_t best = -1;
        for (int32_t i = 0; i < BEST && i < size; i++) {
            best = next_best(output, size, best);
            if (tensor > 0 || i > 0) io->print(i > 0 ? ", " : "; ");
            io->print(named ? model_labels[best] : "no. ");
            if (!named) example_print_number(io, best);
            io->print(" (");
            print_score(io, spec, output[best]);
            io->print(")");
        }
        output += size;
    }
}

// Every second row of what is shown, for characters are twice as high as wide.
void example_print_picture(const example_io *io, const int8_t *input) {
    static const char shades[] = " .:-=+*#%@";
    const tensor_spec *spec = &model_inputs[0];
    if (MODEL_INPUT_COUNT != 1 || spec->rank != 4) return;
    const int32_t height = spec->dims[1], width = spec->dims[2], channels = spec->dims[3];
    const int32_t step = (width + WIDEST - 1) / WIDEST;
    char line[WIDEST + 1];
    for (int32_t y = 0; y < height; y += 2 * step) {
        char *end = line;
        for (int32_t x = 0; x < width; x += step) *end++ = shades[(input[(y * width + x) * channels] + 128) * 10 / 256];
        *end = '\0';
        io->print(line);
        io->print("\r\n");
    }
}

void example_print_time(const example_io *io, uint32_t counts) {
    const uint32_t whole = counts / io->denominator * io->numerator;
    const uint32_t rest = counts % io->denominator * io->numerator / io->denominator;
    example_print_number(io, (int32_t)(whole + rest));
    io->print(" ");
    io->print(io->unit);
}

bool example_answer(const example_io *io, const int8_t *input) {
    static int8_t output[MODEL_OUTPUT_BYTES];
    example_print_picture(io, input);
    const uint32_t start = io->clock();
    const char *failure = engine_invoke(input, output, engine_unwatched);
    const uint32_t counts = io->clock() - start;
    if (failure != NULL) {
        io->print(failure);
        return false;
    }
    io->print("This is: ");
    example_print_scores(io, output);
    io->print(", in ");
    example_print_time(io, counts);
    return true;
}
