// What the boot ROM looks for at the beginning of the flash where there is no program of ESP-IDF's: this word twice, and
// the first instruction behind it (`Direct boot', chips of revision 0.3 and later).
#include <stdint.h>

__attribute__((section(".magic"), used)) static const uint32_t magic[2] = {0xAEDB041D, 0xAEDB041D};
