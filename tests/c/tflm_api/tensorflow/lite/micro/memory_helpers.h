// Stand-in for TensorFlow Lite Micro's sizes of tensors.
#pragma once
#include "tensorflow/lite/micro/micro_interpreter.h"

namespace tflite {

TfLiteStatus TfLiteEvalTensorByteLength(const TfLiteEvalTensor *tensor, size_t *bytes);

}  // namespace tflite
