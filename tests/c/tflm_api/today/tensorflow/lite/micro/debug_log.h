// The printing hook since July 2023: it formats.
#pragma once
#include <cstdarg>
#include <cstddef>

extern "C" {
void DebugLog(const char *format, va_list arguments);
int DebugVsnprintf(char *buffer, size_t size, const char *format, va_list arguments);
}
