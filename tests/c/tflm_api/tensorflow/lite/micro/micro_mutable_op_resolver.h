// Stand-in for TensorFlow Lite Micro's table of ops, with the ops of the demo's model.
#pragma once
#include "tensorflow/lite/micro/micro_interpreter.h"

namespace tflite {

// kTfLiteError when `size` ops are all that the table holds.
TfLiteStatus check_room(unsigned size, unsigned capacity);

// What every op computes: the inverted bytes of the tensor before.
TfLiteStatus invert(TfLiteContext *context, TfLiteNode *node);

template <unsigned capacity>
class MicroMutableOpResolver : public MicroOpResolver {
public:
    explicit MicroMutableOpResolver() {}

    const Registration *FindOp(BuiltinOperator op) const override {
        for (unsigned i = 0; i < size_; i++) {
            if (registrations_[i].code == op) return &registrations_[i];
        }
        return nullptr;
    }

    TfLiteStatus AddConv2D() { return add(BuiltinOperator_CONV_2D); }
    TfLiteStatus AddFullyConnected() { return add(BuiltinOperator_FULLY_CONNECTED); }
    TfLiteStatus AddMaxPool2D() { return add(BuiltinOperator_MAX_POOL_2D); }
    TfLiteStatus AddReshape() { return add(BuiltinOperator_RESHAPE); }
    TfLiteStatus AddSoftmax() { return add(BuiltinOperator_SOFTMAX); }

private:
    void operator delete(void *) {}  // as in the original, where it keeps the heap out

    TfLiteStatus add(BuiltinOperator op) {
        if (check_room(size_, capacity) != kTfLiteOk) return kTfLiteError;
        registrations_[size_].invoke = invert;
        registrations_[size_++].code = op;
        return kTfLiteOk;
    }

    Registration registrations_[capacity];
    unsigned size_ = 0;
};

}  // namespace tflite
