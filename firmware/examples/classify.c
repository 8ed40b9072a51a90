#include "classify.h"

#include <stdalign.h>

enum {
    SMALLEST = MODEL_PIXEL_INPUT ? 0 : -128,
    LARGEST = MODEL_PIXEL_INPUT ? 255 : 127,
    ZERO = MODEL_PIXEL_INPUT ? 128 : 0,  // a number less this is the model's input
};

alignas(4) static int8_t input[MODEL_INPUT_BYTES];
static int32_t count;   // of the numbers in `input`
static int32_t number;  // the one that is being read, without its sign
static bool in_number, negative, refused;

static void classify(const example_io *io) {
    example_answer(io, input);
    io->print("\r\n");
}

static void start_over(void) {
    count = 0;
    number = 0;
    in_number = negative = refused = false;
}

void classify_picture(const example_io *io, const picture_number *picture) {
    if (!example_begin(io)) return;
    for (int32_t i = 0; i < MODEL_INPUT_BYTES; i++) input[i] = (int8_t)(picture[i] - ZERO);
    classify(io);
    start_over();
}

void classify_begin(const example_io *io) {
    start_over();
    io->print("Send ");
    example_print_number(io, MODEL_INPUT_BYTES);
    io->print(" numbers from ");
    example_print_number(io, SMALLEST);
    io->print(" to ");
    example_print_number(io, LARGEST);
    io->print(", row by row; a letter starts over.\r\n");
}

static void refuse(const example_io *io, int32_t value) {
    refused = true;
    io->print("Number ");
    example_print_number(io, count + 1);
    io->print(" is ");
    example_print_number(io, value);
    io->print(", which is not in the range. Send a letter, then the picture again.\r\n");
}

static void end_number(const example_io *io) {
    const int32_t value = negative ? -number : number;
    in_number = negative = false;
    number = 0;
    if (value < SMALLEST || value > LARGEST) {
        refuse(io, value);
        return;
    }
    input[count++] = (int8_t)(value - ZERO);
    if (count < MODEL_INPUT_BYTES) return;
    if (example_begin(io)) classify(io);
    start_over();
}

void classify_character(const example_io *io, char character) {
    const bool digit = character >= '0' && character <= '9';
    if ((character >= 'a' && character <= 'z') || (character >= 'A' && character <= 'Z')) {
        classify_begin(io);
    } else if (refused) {
        return;
    } else if (digit) {
        in_number = true;
        if (number < 10000) number = number * 10 + (character - '0');
    } else {
        if (in_number) end_number(io);
        negative = character == '-';
        if (character == '\n' && count > 0 && !refused) {
            example_print_number(io, count);
            io->print(" numbers of ");
            example_print_number(io, MODEL_INPUT_BYTES);
            io->print(" so far.\r\n");
        }
    }
}
