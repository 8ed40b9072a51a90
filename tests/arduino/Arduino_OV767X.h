// Stands in for the library of the camera: what the sketch Camera uses of it. The frames come from standard input, whose
// end is the cable that is pulled.
#pragma once
#include <Arduino.h>

enum { YUV422 = 0, RGB444 = 1, RGB565 = 2, GRAYSCALE = 4 };
enum { OV7670 = 0, OV7675 = 1 };
enum { VGA = 0, CIF = 1, QVGA = 2, QCIF = 3, QQVGA = 4 };

class OV767X {
public:
    int begin(int resolution, int format, int frames_a_second, int camera = OV7670) {
        if (resolution != QCIF || camera != OV7675 || (frames_a_second != 1 && frames_a_second != 5)) abort();
        bytes = 176 * 144 * (format == GRAYSCALE ? 1 : 2);
        return ++asked > 1;  // the first time its plug is loose
    }
    void readFrame(void *buffer) {
        if (fread(buffer, 1, bytes, stdin) != bytes) exit(EXIT_SUCCESS);
    }

private:
    size_t bytes = 0;
    int asked = 0;
};

static OV767X Camera;
