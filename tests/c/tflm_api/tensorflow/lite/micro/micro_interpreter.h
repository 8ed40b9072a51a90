// Stand-in for TensorFlow Lite Micro's interpreter: the calls that engine/tflm makes.
#pragma once
#include <cstddef>
#include <cstdint>

#include "tensorflow/lite/schema/schema_generated.h"

#define TFLITE_SCHEMA_VERSION (3)

enum TfLiteStatus { kTfLiteOk, kTfLiteError };
enum TfLiteType { kTfLiteFloat32, kTfLiteInt8 };

struct TfLiteTensor {
    TfLiteType type;
    union {
        void *data;
        int8_t *int8;
    } data;
    size_t bytes;
};

namespace tflite {

struct Registration {
    BuiltinOperator code;
};

class MicroOpResolver {
public:
    virtual const Registration *FindOp(BuiltinOperator op) const = 0;

protected:
    ~MicroOpResolver() = default;
};

class MicroInterpreter {
public:
    MicroInterpreter(const Model *model, const MicroOpResolver &resolver, uint8_t *arena, size_t arena_size);

    TfLiteStatus AllocateTensors();
    TfLiteStatus Invoke();

    size_t inputs_size() const;
    size_t outputs_size() const;
    TfLiteTensor *input(size_t index);
    TfLiteTensor *output(size_t index);
    size_t arena_used_bytes() const;

private:
    uint8_t *arena_;
    size_t arena_size_;
    TfLiteTensor input_, output_;
};

}  // namespace tflite
