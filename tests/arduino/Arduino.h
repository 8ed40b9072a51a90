// Stands in for the header of an Arduino core, so that the library's sketches compile and run on this computer: the part
// of it that they use, with standard input and output as the serial line. It declares what the core's does and no more;
// whether the core's own header would do is not shown by it.
#pragma once
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

void setup();
void loop();

inline unsigned long micros() { return static_cast<unsigned long>(clock()); }
inline void delay(unsigned long) {}

class SerialPort {
public:
    void begin(unsigned long speed) { if (speed != 115200) abort(); }
    explicit operator bool() const { return true; }
    size_t print(const char *text) { return fputs(text, stdout) < 0 ? 0 : 1; }
    // At the end of the input nothing is there; who asks again is told that the cable is gone.
    int available() {
        if (next == NONE) next = getchar();
        if (next != EOF) return 1;
        if (ended) exit(EXIT_SUCCESS);
        ended = true;
        return 0;
    }
    int read() {
        const int character = next == NONE ? getchar() : next;
        next = NONE;
        return character;
    }

private:
    enum { NONE = -2 };
    int next = NONE;
    bool ended = false;
};

static SerialPort Serial;
