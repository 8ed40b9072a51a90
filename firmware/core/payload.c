#include "payload.h"

#include "frame.h"
#include "protocol.h"

#if __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "integers travel as they lie in memory: this core would have to swap their bytes"
#endif

_Static_assert(sizeof((tensor_spec *)0)->dims == TENSOR_RANK_LIMIT * sizeof(uint16_t), "a shape travels whole");

void put_low(uint32_t value, size_t size) { frame_put(&value, size); }

void put_text(const char *text, uint8_t limit) {
    uint8_t size = 0;
    while (size < limit && text[size] != '\0') size++;
    put_u8(size);
    frame_put(text, size);
}

void put_tensors(const tensor_spec *tensors, uint8_t count) {
    put_u8(count);
    for (const tensor_spec *tensor = tensors; tensor < tensors + count; tensor++) {
        put_u8(tensor->rank);
        frame_put(tensor->dims, tensor->rank * sizeof *tensor->dims);
        frame_put(&tensor->scale, sizeof tensor->scale);
        frame_put(&tensor->zero_point, sizeof tensor->zero_point);
    }
}
