// The printing hook until July 2023: it gets finished text.
#pragma once

extern "C" void DebugLog(const char *text);
