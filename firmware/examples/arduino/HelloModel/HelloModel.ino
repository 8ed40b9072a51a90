// HelloModel: the model LIBRARY answers the inputs that were exported with it, and the Serial Monitor
// (Tools > Serial Monitor, 115200 baud) shows the classes, the time, and whether every byte is right.
#include <LIBRARY.h>

static void print(const char *text) { Serial.print(text); }

static uint32_t now() { return micros(); }

static const example_io io = {print, now, "microseconds", 1, 1};

static void say() {
  hello_model(&io);
  Serial.print("Send any key to run it again.\r\n");
}

void setup() {
  Serial.begin(115200);
  while (!Serial) delay(10);  // until the Serial Monitor is open
  say();
}

void loop() {
  if (Serial.available() == 0) return;
  while (Serial.available() > 0) Serial.read();
  say();
}
