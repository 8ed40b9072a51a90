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

struct TfLiteIntArray {
    int size;
    int data[1];
};

struct TfLiteEvalTensor {
    union {
        void *data;
        int8_t *int8;
    } data;
    size_t fake_bytes;
};

struct TfLiteNode {
    TfLiteIntArray *outputs;
};

struct TfLiteContext {
    TfLiteEvalTensor *(*GetEvalTensor)(const TfLiteContext *context, int tensor);
    TfLiteEvalTensor *fake_tensors;
};

namespace tflite {

struct Registration {
    TfLiteStatus (*invoke)(TfLiteContext *context, TfLiteNode *node);
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
    const MicroOpResolver &resolver_;
    uint8_t *arena_;
    size_t arena_size_;
    TfLiteTensor input_, output_;
    TfLiteEvalTensor tensors_[3];  // input, computed by op 0, computed by op 1
};

}  // namespace tflite
