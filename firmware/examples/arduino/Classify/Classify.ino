// Classify: what the model LIBRARY says to the picture in picture.h, and then to every picture that you send: paste its
// numbers into the Serial Monitor (Tools > Serial Monitor, 115200 baud).
#include <LIBRARY.h>

#include "picture.h"

static void print(const char *text) { Serial.print(text); }

static uint32_t now() { return micros(); }

static const example_io io = {print, now, "microseconds", 1, 1};

void setup() {
  Serial.begin(115200);
  while (!Serial) delay(10);  // until the Serial Monitor is open
  classify_picture(&io, picture);
  classify_begin(&io);
}

void loop() {
  if (Serial.available() > 0) classify_character(&io, static_cast<char>(Serial.read()));
}
