// The engine that interprets the .tflite itself: TensorFlow Lite Micro with exactly the model's ops, in an arena whose
// size the export measured. All of it lies in static memory and is constructed by engine_init(): no heap, nothing that
// has to run before main().
//
// C++11, and only what TFLM has had unchanged from February 2023 (the Arduino library) to today's (ESP-IDF's). Has to
// be compiled with TF_LITE_STATIC_MEMORY where the library is and without it where it is not: TfLiteTensor's layout
// depends on it.
#include <cstdarg>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <new>

#include "tensorflow/lite/micro/memory_helpers.h"
#include "tensorflow/lite/micro/micro_interpreter.h"
#include "tensorflow/lite/micro/micro_mutable_op_resolver.h"
#include "tensorflow/lite/schema/schema_generated.h"
#include "tensorflow/lite/schema/schema_utils.h"

#include "model_data.h"
#include "model_ops.h"
#include "model_settings.h"
#include "tflm_log.h"

extern "C" {
#include "engine.h"
}

// For a library whose kernels take more scratch memory than the export reckons with.
#ifndef TFLM_ARENA_BYTES
#define TFLM_ARENA_BYTES MODEL_TFLM_ARENA_BYTES
#endif

using tflite::MicroInterpreter;
typedef tflite::MicroMutableOpResolver<MODEL_OPS_COUNT> Resolver;
typedef TfLiteTensor *(MicroInterpreter::*TensorGetter)(size_t index);
typedef TfLiteStatus (*Kernel)(TfLiteContext *context, TfLiteNode *node);

alignas(16) static uint8_t arena[TFLM_ARENA_BYTES];
alignas(Resolver) static uint8_t resolver_memory[sizeof(Resolver)];
alignas(MicroInterpreter) static uint8_t interpreter_memory[sizeof(MicroInterpreter)];

static MicroInterpreter *interpreter;  // null until the model is known to run

static Kernel kernels[MODEL_OPERATOR_COUNT];  // of the model's operators, in the order in which TFLM runs them
static size_t next_operator;
static engine_watcher watcher = engine_unwatched;

// The sentence that says why the model does not run, cut at what a HELLO carries. It lies in static memory.
__attribute__((format(printf, 1, 2))) static const char *refusal(const char *format, ...) {
    static char text[200 + 1];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    return text;
}

// What TFLM calls in place of every kernel: the kernel, then the watcher. An op's outputs are whole when it returns, so no
// tensor has to be kept longer than TFLM keeps it.
static TfLiteStatus run_watched(TfLiteContext *context, TfLiteNode *node) {
    if (next_operator >= MODEL_OPERATOR_COUNT) return kTfLiteError;
    const TfLiteStatus status = kernels[next_operator++](context, node);
    for (int i = 0; status == kTfLiteOk && i < node->outputs->size; i++) {
        const TfLiteEvalTensor *tensor = context->GetEvalTensor(context, node->outputs->data[i]);
        size_t bytes;
        if (tflite::TfLiteEvalTensorByteLength(tensor, &bytes) == kTfLiteOk) watcher(tensor->data.data, bytes);
    }
    return status;
}

template <typename T>
static T *writable(const T *ours) {
    return const_cast<T *>(ours);
}

static tflite::BuiltinOperator code_of(const tflite::Model &model, const tflite::Operator *op) {
    return tflite::GetBuiltinCode(model.operator_codes()->Get(op->opcode_index()));
}

// Puts run_watched() in front of the kernels of all ops of the model, in the resolver's table, which lies in our memory and
// is constant only as it hands it out. Name of the first op that the resolver lacks; null when it has them all.
static const char *watch_ops(const tflite::Model &model, const Resolver &resolver) {
    size_t count = 0;
    for (const tflite::Operator *op : *model.subgraphs()->Get(0)->operators()) {
        const auto *registration = resolver.FindOp(code_of(model, op));
        if (registration == nullptr || count == MODEL_OPERATOR_COUNT) {
            return tflite::EnumNameBuiltinOperator(code_of(model, op));
        }
        kernels[count++] = registration->invoke;
    }
    for (const tflite::Operator *op : *model.subgraphs()->Get(0)->operators()) {
        writable(resolver.FindOp(code_of(model, op)))->invoke = run_watched;
    }
    return nullptr;
}

// Whether the first `count` tensors that `get` gives are int8 and `bytes` long together.
static bool are_int8(MicroInterpreter *tflm, TensorGetter get, size_t count, size_t bytes) {
    for (size_t i = 0; i < count; i++) {
        const TfLiteTensor *tensor = (tflm->*get)(i);
        if (tensor == nullptr || tensor->type != kTfLiteInt8 || tensor->bytes > bytes) return false;
        bytes -= tensor->bytes;
    }
    return bytes == 0;
}

const char *engine_name(void) { return "tflm"; }

const char *engine_init(void) {
    const tflite::Model *model = tflite::GetModel(model_data);
    if (model->version() != TFLITE_SCHEMA_VERSION) {
        return refusal("the model has schema version %u, TensorFlow Lite Micro reads %u; export it again and rebuild",
                       static_cast<unsigned>(model->version()), static_cast<unsigned>(TFLITE_SCHEMA_VERSION));
    }
    tflm_log_forget();
    Resolver *resolver = new (resolver_memory) Resolver;
    if (!model_add_ops(*resolver)) {
        return refusal("TensorFlow Lite Micro does not take the ops of model_ops.h (%.90s); export again and rebuild",
                       tflm_log_cause());
    }
    const char *missing = watch_ops(*model, *resolver);
    if (missing != nullptr) {
        return refusal("the model needs the op %.40s, which this firmware was built without; export again and rebuild",
                       missing);
    }
    MicroInterpreter *tflm = new (interpreter_memory) MicroInterpreter(model, *resolver, arena, sizeof arena);
    if (tflm->AllocateTensors() != kTfLiteOk) {
        return refusal("the model cannot be prepared in an arena of %u bytes (%.90s); build with more TFLM_ARENA_BYTES",
                       static_cast<unsigned>(sizeof arena), tflm_log_cause());
    }
    if (tflm->inputs_size() != MODEL_INPUT_COUNT || tflm->outputs_size() != MODEL_OUTPUT_COUNT ||
        !are_int8(tflm, &MicroInterpreter::input, MODEL_INPUT_COUNT, MODEL_INPUT_BYTES) ||
        !are_int8(tflm, &MicroInterpreter::output, MODEL_OUTPUT_COUNT, MODEL_OUTPUT_BYTES)) {
        return "the model's inputs and outputs are not the int8 tensors of model_settings.h; export again and rebuild";
    }
    // Some kernels look at their tensors only when they run, so a model that could be prepared may still be refused.
    tflm_log_forget();
    next_operator = 0;
    if (tflm->Invoke() != kTfLiteOk) {
        return refusal("this TensorFlow Lite Micro cannot compute the model (%.90s); change the layer that it names",
                       tflm_log_cause());
    }
    interpreter = tflm;
    return nullptr;
}

const char *engine_invoke(const int8_t *input, int8_t *output, engine_watcher watch) {
    watcher = watch;
    next_operator = 0;
    for (size_t i = 0; i < MODEL_INPUT_COUNT; i++) {
        const TfLiteTensor *tensor = interpreter->input(i);
        memcpy(tensor->data.int8, input, tensor->bytes);
        watch(tensor->data.int8, tensor->bytes);
        input += tensor->bytes;
    }
#if MODEL_HAS_STATE
    if (interpreter->Reset() != kTfLiteOk) return "TensorFlow Lite Micro cannot reset the model's state; reset the board";
#endif
    if (interpreter->Invoke() != kTfLiteOk) {
        return refusal("an inference failed in TensorFlow Lite Micro (%.90s); reset the board", tflm_log_cause());
    }
    for (size_t i = 0; i < MODEL_OUTPUT_COUNT; i++) {
        const TfLiteTensor *tensor = interpreter->output(i);
        memcpy(output, tensor->data.int8, tensor->bytes);
        output += tensor->bytes;
    }
    return nullptr;
}

const engine_segment *engine_segments(size_t *count) {
    static engine_segment segment;
    segment.data = model_data;
    segment.size = model_data_size;
    *count = 1;
    return &segment;
}

uint32_t engine_arena_bytes(void) {
    return interpreter == nullptr ? 0 : static_cast<uint32_t>(interpreter->arena_used_bytes());
}
