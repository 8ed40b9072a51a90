// Which pins of the chip the camera is wired to. Other boards: what their makers say; -1 where there is no such pin.
#pragma once
#include <sdkconfig.h>

#ifdef CONFIG_IDF_TARGET_ESP32
enum {  // AI-Thinker ESP32-CAM
    CAMERA_PWDN = 32,
    CAMERA_XCLK = 0,
    CAMERA_SDA = 26,
    CAMERA_SCL = 27,
    CAMERA_D7 = 35,
    CAMERA_D6 = 34,
    CAMERA_D5 = 39,
    CAMERA_D4 = 36,
    CAMERA_D3 = 21,
    CAMERA_D2 = 19,
    CAMERA_D1 = 18,
    CAMERA_D0 = 5,
    CAMERA_VSYNC = 25,
    CAMERA_HREF = 23,
    CAMERA_PCLK = 22,
};
#else
enum {  // ESP32-S3-EYE, and boards that are wired like it
    CAMERA_PWDN = -1,
    CAMERA_XCLK = 15,
    CAMERA_SDA = 4,
    CAMERA_SCL = 5,
    CAMERA_D7 = 16,
    CAMERA_D6 = 17,
    CAMERA_D5 = 18,
    CAMERA_D4 = 12,
    CAMERA_D3 = 10,
    CAMERA_D2 = 8,
    CAMERA_D1 = 9,
    CAMERA_D0 = 11,
    CAMERA_VSYNC = 6,
    CAMERA_HREF = 7,
    CAMERA_PCLK = 13,
};
#endif
