// Frames behind a pipe: each with its view and the picture's size on standard input, the network's input on standard
// output. A frame is scaled twice: nothing of the first may be left. Memory is exactly what FRAME_WORDS asks for.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "camera_frame.h"

enum { FORMAT, WIDTH, HEIGHT, LEFT, TOP, CROP_WIDTH, CROP_HEIGHT, INVERTED };
enum { TO_WIDTH = INVERTED + 1, TO_HEIGHT, CHANNELS, BYTES, FIELDS };

int main(void) {
    int32_t of[FIELDS];
    while (fread(of, sizeof *of, FIELDS, stdin) == FIELDS) {
        const frame_view view = {(frame_format)of[FORMAT], of[WIDTH],      of[HEIGHT],      of[LEFT],
                                 of[TOP],                  of[CROP_WIDTH], of[CROP_HEIGHT], of[INVERTED] != 0};
        const size_t words =
            (size_t)FRAME_WORDS(of[CROP_WIDTH], of[CROP_HEIGHT], of[TO_WIDTH], of[TO_HEIGHT], of[CHANNELS]);
        const size_t size = (size_t)(of[TO_WIDTH] * of[TO_HEIGHT] * of[CHANNELS]);
        uint8_t *frame = malloc((size_t)of[BYTES]);
        uint32_t *memory = malloc(words * sizeof *memory);
        int8_t *input = malloc(size);
        frame_scaler scaler;
        if (frame == NULL || memory == NULL || input == NULL) return 2;
        if (fread(frame, 1, (size_t)of[BYTES], stdin) != (size_t)of[BYTES]) return 3;
        scaler_begin(&scaler, &view, of[TO_WIDTH], of[TO_HEIGHT], of[CHANNELS], memory);
        scaler_frame(&scaler, input, frame);
        memset(input, 0x5A, size);
        scaler_frame(&scaler, input, frame);
        fwrite(input, 1, size, stdout);
        free(frame);
        free(memory);
        free(input);
    }
    return 0;
}
