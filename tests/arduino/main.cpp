// As a core's main().
#include <Arduino.h>

int main() {
    setup();
    for (;;) loop();
}
