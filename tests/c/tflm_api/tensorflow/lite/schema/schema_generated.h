// Stand-in for TensorFlow Lite's schema: what engine/tflm reads of a model.
#pragma once
#include <cstdint>

namespace tflite {

enum BuiltinOperator {
    BuiltinOperator_CONV_2D,
    BuiltinOperator_FULLY_CONNECTED,
    BuiltinOperator_HARD_SWISH,
    BuiltinOperator_MAX_POOL_2D,
    BuiltinOperator_RESHAPE,
    BuiltinOperator_SOFTMAX,
};

const char *EnumNameBuiltinOperator(BuiltinOperator op);

template <typename T>
struct Vector {
    const T *const *items;
    uint32_t count;

    const T *Get(uint32_t index) const { return items[index]; }
    const T *const *begin() const { return items; }
    const T *const *end() const { return items + count; }
};

struct OperatorCode {
    BuiltinOperator code;
};

struct Operator {
    uint32_t index;

    uint32_t opcode_index() const { return index; }
};

struct SubGraph {
    Vector<Operator> ops;

    const Vector<Operator> *operators() const { return &ops; }
};

struct Model {
    uint32_t version() const;
    const Vector<SubGraph> *subgraphs() const;
    const Vector<OperatorCode> *operator_codes() const;
};

const Model *GetModel(const void *data);

}  // namespace tflite
