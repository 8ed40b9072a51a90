// A TensorFlow Lite Micro with two convolutions that invert every byte, and a hidden tensor between them that is as long as
// the input: output[i] = input[i]. It fails where the environment variable TFLM_FAKE says.
#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "model_settings.h"
#include "tensorflow/lite/micro/debug_log.h"
#include "tensorflow/lite/micro/memory_helpers.h"
#include "tensorflow/lite/micro/micro_mutable_op_resolver.h"
#include "tensorflow/lite/schema/schema_utils.h"

static bool asked_for(const char *what) {
    const char *asked = getenv("TFLM_FAKE");
    return asked != nullptr && strcmp(asked, what) == 0;
}

static void MicroPrintf(const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
#if __has_include("tensorflow/lite/micro/micro_string.h")
    char text[256];
    vsnprintf(text, sizeof text, format, arguments);
    DebugLog(text);
    DebugLog("\r\n");
#else
    DebugLog(format, arguments);
    va_list none;
    va_start(none, format);
    DebugLog("\r\n", none);
    va_end(none);
#endif
    va_end(arguments);
}

namespace tflite {

const char *EnumNameBuiltinOperator(BuiltinOperator op) {
    static const char *const names[] = {"CONV_2D",     "FULLY_CONNECTED", "HARD_SWISH",
                                        "MAX_POOL_2D", "RESHAPE",         "SOFTMAX"};
    return names[op];
}

BuiltinOperator GetBuiltinCode(const OperatorCode *code) { return code->code; }

const Model *GetModel(const void *) {
    static const Model model = {};
    return &model;
}

uint32_t Model::version() const { return asked_for("schema") ? 4 : TFLITE_SCHEMA_VERSION; }

const Vector<OperatorCode> *Model::operator_codes() const {
    static const OperatorCode conv = {BuiltinOperator_CONV_2D}, swish = {BuiltinOperator_HARD_SWISH};
    static const OperatorCode *const items[] = {&swish, &conv};
    static const Vector<OperatorCode> codes = {items, 2};
    return &codes;
}

// A code without an operator is none of the model's ops: files of some converters have such.
const Vector<SubGraph> *Model::subgraphs() const {
    static const Operator swish = {0}, conv = {1};
    static const Operator *const items[] = {&conv, &conv, &swish};
    static SubGraph graph;
    graph.ops = {items, asked_for("op") ? 3u : 2u};
    static const SubGraph *const graphs[] = {&graph};
    static const Vector<SubGraph> all = {graphs, 1};
    return &all;
}

TfLiteStatus check_room(unsigned size, unsigned capacity) {
    if (size < (asked_for("resolver") ? 2 : capacity)) return kTfLiteOk;
    MicroPrintf("no room for op %u", size);
    return kTfLiteError;
}

TfLiteStatus invert(TfLiteContext *context, TfLiteNode *node) {
    const int y_index = node->outputs->data[0];
    const TfLiteEvalTensor *y = context->GetEvalTensor(context, y_index);
    const TfLiteEvalTensor *x = context->GetEvalTensor(context, y_index - 1);
    for (size_t i = 0; i < y->fake_bytes; i++) y->data.int8[i] = static_cast<int8_t>(~x->data.int8[i]);
    return kTfLiteOk;
}

TfLiteStatus TfLiteEvalTensorByteLength(const TfLiteEvalTensor *tensor, size_t *bytes) {
    *bytes = tensor->fake_bytes;
    return kTfLiteOk;
}

static TfLiteEvalTensor *get_eval_tensor(const TfLiteContext *context, int tensor) { return &context->fake_tensors[tensor]; }

MicroInterpreter::MicroInterpreter(const Model *, const MicroOpResolver &resolver, uint8_t *arena, size_t arena_size)
    : resolver_(resolver), arena_(arena), arena_size_(arena_size), input_(), output_(), tensors_() {}

TfLiteStatus MicroInterpreter::AllocateTensors() {
    if (asked_for("arena")) {
        MicroPrintf("requested: %u, missing: %u", 13520u, 48u);
        MicroPrintf("a line that only follows from the first");
        return kTfLiteError;
    }
    if (reinterpret_cast<uintptr_t>(arena_) % 16 != 0 || arena_size_ < arena_used_bytes()) return kTfLiteError;
    input_.type = asked_for("float") ? kTfLiteFloat32 : kTfLiteInt8;
    input_.bytes = MODEL_INPUT_BYTES;
    input_.data.data = arena_;
    output_.type = kTfLiteInt8;
    output_.bytes = asked_for("size") ? MODEL_OUTPUT_BYTES + 1 : MODEL_OUTPUT_BYTES;
    output_.data.data = arena_ + MODEL_INPUT_BYTES;
    static int8_t hidden[MODEL_INPUT_BYTES];
    void *const memory[] = {input_.data.data, hidden, output_.data.data};
    const size_t bytes[] = {MODEL_INPUT_BYTES, MODEL_INPUT_BYTES, MODEL_OUTPUT_BYTES};
    for (int i = 0; i < 3; i++) {
        tensors_[i].data.data = memory[i];
        tensors_[i].fake_bytes = bytes[i];
    }
    return kTfLiteOk;
}

TfLiteStatus MicroInterpreter::Invoke() {
    static bool invoked;
    if (asked_for("invoke") || (invoked && asked_for("second invoke"))) {
        MicroPrintf("type %s is not supported", "FLOAT32");
        return kTfLiteError;
    }
    invoked = true;
    if (asked_for("talk")) {
        MicroPrintf("%s = %d\nand a second line in one piece\n", "five", 5);
        MicroPrintf("\x01\xFF");
        MicroPrintf("%0250d", 7);
    }
    TfLiteContext context = {get_eval_tensor, tensors_};
    for (int op = 0; op < 2; op++) {
        TfLiteIntArray outputs = {1, {op + 1}};
        TfLiteNode node = {&outputs};
        if (resolver_.FindOp(BuiltinOperator_CONV_2D)->invoke(&context, &node) != kTfLiteOk) return kTfLiteError;
    }
    return kTfLiteOk;
}

size_t MicroInterpreter::inputs_size() const { return asked_for("inputs") ? 2 : 1; }
size_t MicroInterpreter::outputs_size() const { return 1; }
TfLiteTensor *MicroInterpreter::input(size_t index) { return index == 0 ? &input_ : nullptr; }
TfLiteTensor *MicroInterpreter::output(size_t index) { return index == 0 ? &output_ : nullptr; }
size_t MicroInterpreter::arena_used_bytes() const { return MODEL_INPUT_BYTES + MODEL_OUTPUT_BYTES; }

}  // namespace tflite
