// Eight int32 side by side, and what goes with them: SSE2 and AVX2, Arm's Advanced SIMD, the vectors of WebAssembly, and
// the same in plain C for all others. The kernels of this folder include it; no other file of them knows an instruction.
// With SIMD_PLAIN and SIMD_BASELINE tests take plain C, or SSE2 alone, where there is more.
#pragma once
#include <stdint.h>
#include <string.h>

#include "simd_kernels.h"

#ifdef SIMD_AVX2
#define VECTORS __attribute__((target("avx2")))
#else
#define VECTORS
#endif
#define INLINED VECTORS __attribute__((always_inline)) static inline
#define OUTLINED VECTORS __attribute__((noinline)) static

#if defined(SIMD_AVX2) || (defined(__AVX2__) && !defined(SIMD_PLAIN) && !defined(SIMD_BASELINE))
#include "simd_avx2.h"
#elif defined(__SSE2__) && !defined(SIMD_PLAIN)
#include "simd_sse2.h"
#elif defined(__aarch64__) && defined(__ARM_NEON) && !defined(SIMD_PLAIN)
#include "simd_neon.h"
#elif defined(__wasm_simd128__) && !defined(SIMD_PLAIN)
#include "simd_wasm.h"
#else
#include "simd_plain.h"
#endif
