// What loops of the addon's own on the processor share: rows spread over LibTorch's threads, instructions as wide as the machine
// has, and an exponential that fits into them.
#pragma once

#include <ATen/Functions.h>
#include <ATen/TensorIterator.h>
#include <c10/core/GradMode.h>

#include <array>
#include <bit>
#include <cstdint>
#include <cstring>

// A function is compiled for several instruction sets, of which the machine's is taken when the addon is loaded. What it calls
// has to be inlined into it.
#if defined(__x86_64__) && defined(__linux__) && defined(__GNUC__) && !defined(__clang__)
#define VECTORIZED __attribute__((target_clones("avx512f", "avx2", "default"), optimize("O3")))
#else
#define VECTORIZED
#endif

/** Values that are computed with side by side. */
constexpr int64_t kLanes = 16;
using Lanes = float __attribute__((vector_size(kLanes * sizeof(float))));

#define INLINED inline __attribute__((always_inline))

// Nothing that is inlined is passed to anything.
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic ignored "-Wpsabi"
#endif

INLINED Lanes lanes_at(const float* values) {
  Lanes lanes;
  std::memcpy(&lanes, values, sizeof(lanes));
  return lanes;
}

INLINED void put_lanes(float* to, const Lanes& lanes) { std::memcpy(to, &lanes, sizeof(lanes)); }

/** The sum of the lanes, in an order that does not depend on the machine. */
INLINED float sum_of(const Lanes& lanes) {
  using Half = float __attribute__((vector_size(8 * sizeof(float))));
  using Quarter = float __attribute__((vector_size(4 * sizeof(float))));
  const auto halves = std::bit_cast<std::array<Half, 2>>(lanes);
  const auto quarters = std::bit_cast<std::array<Quarter, 2>>(halves[0] + halves[1]);
  const Quarter four = quarters[0] + quarters[1];
  return (four[0] + four[2]) + (four[1] + four[3]);
}

INLINED float sum_of_values(const float* values, int64_t count) {
  Lanes lanes = {};
  int64_t i = 0;
  for (; i + kLanes <= count; i += kLanes) lanes += lanes_at(values + i);
  float rest = 0;
  for (; i < count; i++) rest += values[i];
  return sum_of(lanes) + rest;
}

/**
 * e^x of an x up to 0, within two units in the last place; 0 below -87, where float32 has few digits left, and NaN of NaN. e^x = 2^n e^r with
 * |r| at most ln 2 / 2, and e^r as the first 8 terms of its series, whose rest is below 6e-9.
 */
INLINED float exp_of(float x) {
  constexpr float kLeast = -87.0f;
  // Adding and taking away 1.5 · 2^23 rounds to a whole number.
  constexpr float kRounding = 12582912.0f;
  const float bounded = x > kLeast ? x : kLeast;
  const float n = (bounded * 1.44269504f + kRounding) - kRounding;
  // ln 2 in two parts, the first of so few bits that its product with n is exact.
  const float r = (bounded - n * 0.693359375f) - n * -2.12194440e-4f;
  float series = 1.0f / 5040;
  series = series * r + 1.0f / 720;
  series = series * r + 1.0f / 120;
  series = series * r + 1.0f / 24;
  series = series * r + 1.0f / 6;
  series = series * r + 0.5f;
  series = series * r + 1.0f;
  series = series * r + 1.0f;
  const float power = std::bit_cast<float>((static_cast<int32_t>(n) + 127) << 23);
  return x > kLeast ? series * power : (x == x ? 0.0f : x);
}

/**
 * Has `work(from, to)` be done for all rows, at least `grain` of them at a time, on LibTorch's threads: by way of an iterator of
 * its own, as its parallel loops are made for programs that are compiled with its OpenMP.
 */
template <typename F>
void over_rows(int64_t rows, int64_t grain, const F& work) {
  if (rows == 0) return;
  at::Tensor numbers = at::arange(rows, at::kLong);
  at::TensorIterator iterator = at::TensorIterator::nullary_op(numbers);
  const auto* const first = numbers.const_data_ptr<int64_t>();
  iterator.for_each(
      [&work, first](char** data, const int64_t*, int64_t count, int64_t times) {
        // What is true of the caller's thread need not be of this one.
        const c10::AutoGradMode no_grad(false);
        const int64_t from = reinterpret_cast<int64_t*>(data[0]) - first;
        // Numbers in a row are one loop of all of them, or so many loops of one.
        work(from, from + count * times);
      },
      grain);
}
