// Camera: what the model LIBRARY says to each frame of the OV7675, the camera of the Tiny Machine Learning Kit. The
// Serial Monitor (Tools > Serial Monitor, 115200 baud) shows it. The library Arduino_OV767X has to be the one of its
// repository, github.com/arduino-libraries/Arduino_OV767X: its release 0.0.2 does not know this camera.
#include <Arduino_OV767X.h>
#include <LIBRARY.h>

enum { FRAME_WIDTH = 176, FRAME_HEIGHT = 144 };  // QCIF
enum { IS_GREY = MODEL_PICTURE_CHANNELS == 1 };
enum { FRAMES_A_SECOND = 5 };  // or 1, in dim light

static uint8_t frame[FRAME_WIDTH * FRAME_HEIGHT * (IS_GREY ? 1 : 2)];
static uint32_t memory[CAMERA_WORDS(FRAME_WIDTH, FRAME_HEIGHT)];

static void print(const char *text) { Serial.print(text); }

static uint32_t now() { return micros(); }

static const example_io io = {print, now, "microseconds", 1, 1};

void setup() {
  Serial.begin(115200);
  while (!Serial) delay(10);  // until the Serial Monitor is open
  frame_view view = camera_view(IS_GREY ? FRAME_GREY : FRAME_RGB565, FRAME_WIDTH, FRAME_HEIGHT);
  // Here view.left, top, crop_width and crop_height can be changed; view.inverted = true is for a model that learned
  // bright strokes on black and is shown dark ones on paper.
  camera_begin(&io, &view, memory);
  while (!Camera.begin(QCIF, IS_GREY ? GRAYSCALE : RGB565, FRAMES_A_SECOND, OV7675)) {
    Serial.print("The camera does not answer: is it in its socket?\r\n");
    delay(1000);
  }
}

void loop() {
  Camera.readFrame(frame);
  camera_frame(&io, frame);
}
