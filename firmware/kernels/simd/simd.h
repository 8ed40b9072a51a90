// Eight int32 side by side, and what goes with them: SSE2 and AVX2, Arm's Advanced SIMD, the vectors of WebAssembly, and
// the same in plain C for all others. The kernels of this folder include it; no other file of them knows an instruction.
#pragma once
#include <stdint.h>
#include <string.h>

#include "simd_kernels.h"

#define INLINED __attribute__((always_inline)) static inline

#ifdef SIMD_PLAIN  // by which tests hold the instructions against plain C
#include "simd_plain.h"
#elif defined(__AVX2__)
#include "simd_avx2.h"
#elif defined(__SSE2__)
#include "simd_sse2.h"
#elif defined(__ARM_NEON) && defined(__aarch64__)
#include "simd_neon.h"
#elif defined(__wasm_simd128__)
#include "simd_wasm.h"
#else
#include "simd_plain.h"
#endif
