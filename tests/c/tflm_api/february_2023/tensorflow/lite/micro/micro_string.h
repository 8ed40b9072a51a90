// TensorFlow Lite Micro's own formatting, which it had until July 2023.
#pragma once
#include <cstdarg>

extern "C" int MicroVsnprintf(char *buffer, int size, const char *format, va_list arguments);
