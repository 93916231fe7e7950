// One more token of each sequence through a whole decoder on the processor (a transformer as Qwen2 is one), in one call: each
// thread takes some of the sequences through all layers, so that threads wait for each other once a step, and what is made on
// the way stays in their caches.
#include "environment.h"
#include "processor.h"

#include <ATen/TensorOperators.h>
#include <c10/core/GradMode.h>

#include <algorithm>
#include <cmath>

namespace {

/** What a layer computes with; matrices as (in, out). */
struct Layer {
  at::Tensor input_norm;
  at::Tensor attention;
  at::Tensor attention_bias;
  at::Tensor output;
  at::Tensor attention_norm;
  at::Tensor network;
  at::Tensor down;
  /** (rows, key-value heads, capacity, head size); each of a capacity of its own */
  at::Tensor keys;
  at::Tensor values;
};

struct Shape {
  int64_t rows;
  int64_t hidden;
  int64_t heads;
  int64_t key_value_heads;
  int64_t head_size;
  int64_t intermediate;
  int64_t vocabulary;
  float epsilon;
};

constexpr int64_t kTensorsOfLayer = 9;

INLINED float dot(const float* a, const float* b, int64_t count) {
  Lanes lanes = {};
  int64_t i = 0;
  for (; i + kLanes <= count; i += kLanes) lanes += lanes_at(a + i) * lanes_at(b + i);
  float rest = 0;
  for (; i < count; i++) rest += a[i] * b[i];
  return sum_of(lanes) + rest;
}

/** The products of a query with `length` keys, four at a time, so that no sum waits for another. */
INLINED void score(const float* query, const float* keys, int64_t length, int64_t size, float scale, float* scores) {
  int64_t t = 0;
  for (; size % kLanes == 0 && t + 4 <= length; t += 4) {
    const float* const key = keys + t * size;
    Lanes lanes[4] = {};
    for (int64_t i = 0; i < size; i += kLanes) {
      const Lanes of_query = lanes_at(query + i);
      for (int64_t k = 0; k < 4; k++) lanes[k] += of_query * lanes_at(key + k * size + i);
    }
    for (int64_t k = 0; k < 4; k++) scores[t + k] = sum_of(lanes[k]) * scale;
  }
  for (; t < length; t++) scores[t] = dot(query, keys + t * size, size) * scale;
}

/** The sum of `length` values of (size), each by its share; some of a value's numbers at a time. */
INLINED void mix(const float* shares, const float* values, int64_t length, int64_t size, float* to) {
  constexpr int64_t kAtOnce = 4;
  int64_t i = 0;
  for (; i + kAtOnce * kLanes <= size; i += kAtOnce * kLanes) {
    Lanes lanes[kAtOnce] = {};
    for (int64_t t = 0; t < length; t++)
      for (int64_t k = 0; k < kAtOnce; k++) lanes[k] += shares[t] * lanes_at(values + t * size + i + k * kLanes);
    for (int64_t k = 0; k < kAtOnce; k++) put_lanes(to + i + k * kLanes, lanes[k]);
  }
  if (i == size) return;
  for (int64_t j = i; j < size; j++) to[j] = 0;
  for (int64_t t = 0; t < length; t++)
    for (int64_t j = i; j < size; j++) to[j] += shares[t] * values[t * size + j];
}

}  // namespace

/** x / sqrt(mean(x²) + ε) · weight of each row. */
VECTORIZED void norm_rows(const float* from, const float* weight, float* to, int64_t rows, int64_t size, float epsilon) {
  for (int64_t row = 0; row < rows; row++) {
    const float* x = from + row * size;
    const float scale = 1.0f / std::sqrt(dot(x, x, size) / static_cast<float>(size) + epsilon);
    for (int64_t i = 0; i < size; i++) to[row * size + i] = x[i] * scale * weight[i];
  }
}

/** Turns a head's values to its position: cos and sin are of (head size), the first half of sin negated. */
VECTORIZED void turn(const float* x, const float* bias, const float* cos, const float* sin, float* to, int64_t size) {
  const int64_t half = size / 2;
  for (int64_t i = 0; i < half; i++) {
    const float first = x[i] + (bias == nullptr ? 0 : bias[i]);
    const float second = x[i + half] + (bias == nullptr ? 0 : bias[i + half]);
    to[i] = first * cos[i] + second * sin[i];
    to[i + half] = second * cos[i + half] + first * sin[i + half];
  }
}

/** softmax(q kᵀ / sqrt(size)) v of some queries on the same keys and values. `scores`: room for one a key. */
VECTORIZED void attend(const float* queries, int64_t count, const float* keys, const float* values, int64_t length, int64_t size,
                       float* scores, float* to) {
  const float scale = 1.0f / std::sqrt(static_cast<float>(size));
  for (int64_t q = 0; q < count; q++) {
    score(queries + q * size, keys, length, size, scale, scores);
    float most = scores[0];
    for (int64_t t = 1; t < length; t++) most = scores[t] > most ? scores[t] : most;
    for (int64_t t = 0; t < length; t++) scores[t] = exp_of(scores[t] - most);
    const float share = 1.0f / sum_of_values(scores, length);
    for (int64_t t = 0; t < length; t++) scores[t] *= share;
    mix(scores, values, length, size, to + q * size);
  }
}

/** silu(gate) · up; a row has its gates first. */
VECTORIZED void gate_rows(const float* both, float* to, int64_t rows, int64_t size) {
  for (int64_t row = 0; row < rows; row++) {
    const float* const gates = both + row * 2 * size;
    for (int64_t i = 0; i < size; i++) {
      const float gate = gates[i];
      // 1 / (1 + e^-g), by the exponential of what is not positive.
      const float power = exp_of(gate > 0 ? -gate : gate);
      const float sigmoid = (gate > 0 ? 1.0f : power) / (1.0f + power);
      to[row * size + i] = gate * sigmoid * gates[size + i];
    }
  }
}

VECTORIZED void add_rows(float* to, const float* from, int64_t count) {
  for (int64_t i = 0; i < count; i++) to[i] += from[i];
}

namespace {

/** What is made on the way, of all sequences; each thread has its rows of it. */
struct Buffers {
  at::Tensor x;
  at::Tensor normed;
  at::Tensor projected;
  at::Tensor attended;
  at::Tensor change;
  at::Tensor both;
  at::Tensor gated;
};

float* at_row(const at::Tensor& tensor, int64_t row) {
  return tensor.data_ptr<float>() + row * tensor.size(1);
}

/** Some rows of x through all layers, and their logits. */
void decode(const std::vector<Layer>& layers, const Shape& shape, const Buffers& buffers, const std::vector<int64_t>& lengths,
            const at::Tensor& cos, const at::Tensor& sin, const at::Tensor& final_norm, const at::Tensor& head,
            const at::Tensor& logits, int64_t from, int64_t to) {
  const int64_t rows = to - from;
  const int64_t size = shape.head_size;
  const int64_t group = shape.heads / shape.key_value_heads;
  const auto mine = [&](const at::Tensor& buffer) { return buffer.narrow(0, from, rows); };
  at::Tensor normed = mine(buffers.normed);
  at::Tensor projected = mine(buffers.projected);
  at::Tensor attended = mine(buffers.attended);
  at::Tensor change = mine(buffers.change);
  at::Tensor both = mine(buffers.both);
  at::Tensor gated = mine(buffers.gated);
  float* const x = at_row(buffers.x, from);
  std::vector<float> scores(*std::max_element(lengths.begin() + from, lengths.begin() + to) + 1);
  std::vector<float> turned(group * size);
  for (const Layer& layer : layers) {
    const float* const bias = layer.attention_bias.defined() ? layer.attention_bias.const_data_ptr<float>() : nullptr;
    norm_rows(x, layer.input_norm.const_data_ptr<float>(), at_row(buffers.normed, from), rows, shape.hidden, shape.epsilon);
    at::mm_out(projected, normed, layer.attention);
    const int64_t key_capacity = layer.keys.size(2);
    const int64_t value_capacity = layer.values.size(2);
    float* const keys = layer.keys.data_ptr<float>();
    float* const values = layer.values.data_ptr<float>();
    for (int64_t row = from; row < to; row++) {
      const int64_t length = lengths[row];
      const float* const row_cos = cos.const_data_ptr<float>() + length * size;
      const float* const row_sin = sin.const_data_ptr<float>() + length * size;
      const float* const own = at_row(buffers.projected, row);
      for (int64_t h = 0; h < shape.key_value_heads; h++) {
        const int64_t place = row * shape.key_value_heads + h;
        float* const own_keys = keys + place * key_capacity * size;
        float* const own_values = values + place * value_capacity * size;
        const auto part = [&](int64_t head) { return std::pair(own + head * size, bias == nullptr ? nullptr : bias + head * size); };
        const auto [key, key_bias] = part(shape.heads + h);
        turn(key, key_bias, row_cos, row_sin, own_keys + length * size, size);
        const auto [value, value_bias] = part(shape.heads + shape.key_value_heads + h);
        float* const to_value = own_values + length * size;
        for (int64_t i = 0; i < size; i++) to_value[i] = value[i] + (value_bias == nullptr ? 0 : value_bias[i]);
        for (int64_t q = 0; q < group; q++) {
          const auto [query, query_bias] = part(h * group + q);
          turn(query, query_bias, row_cos, row_sin, turned.data() + q * size, size);
        }
        attend(turned.data(), group, own_keys, own_values, length + 1, size, scores.data(),
               at_row(buffers.attended, row) + h * group * size);
      }
    }
    at::mm_out(change, attended, layer.output);
    add_rows(x, at_row(buffers.change, from), rows * shape.hidden);
    norm_rows(x, layer.attention_norm.const_data_ptr<float>(), at_row(buffers.normed, from), rows, shape.hidden, shape.epsilon);
    at::mm_out(both, normed, layer.network);
    gate_rows(at_row(buffers.both, from), at_row(buffers.gated, from), rows, shape.intermediate);
    at::mm_out(change, gated, layer.down);
    add_rows(x, at_row(buffers.change, from), rows * shape.hidden);
  }
  norm_rows(x, final_norm.const_data_ptr<float>(), at_row(buffers.normed, from), rows, shape.hidden, shape.epsilon);
  at::Tensor own_logits = mine(logits);
  at::mm_out(own_logits, normed, head);
}

/** A tensor of float32 on the processor of these sizes, -1 for any; `is_dense`: row by row in memory. */
at::Tensor checked(Environment& environment, Napi::Value value, const char* name, std::vector<int64_t> sizes, bool is_dense) {
  const at::Tensor& tensor = environment.tensor(value, name);
  bool fits = tensor.is_cpu() && tensor.scalar_type() == at::kFloat && tensor.dim() == static_cast<int64_t>(sizes.size()) &&
              tensor.layout() == at::kStrided && (!is_dense || tensor.is_contiguous());
  for (size_t i = 0; fits && i < sizes.size(); i++) fits = sizes[i] < 0 ? tensor.size(i) > 0 : tensor.size(i) == sizes[i];
  if (fits) return tensor.detach();
  std::string wanted;
  for (const int64_t size : sizes) wanted += (wanted.empty() ? "" : ",") + (size < 0 ? "*" : std::to_string(size));
  throw ArgumentError("BAD_ARGUMENT", std::string(name) + " is " + description(tensor) + ", not [" + wanted +
                                          "] of float32, row by row on the processor");
}

/**
 * `decoderStep(x [B,H], layers, finalNorm [H], head [V,H], cos [P,d], sin [P,d], lengths, heads, keyValueHeads, epsilon)`: the
 * logits [B,V] of the tokens whose embeddings are x, of which sequence i has `lengths[i]` before it in the caches, where their
 * keys and values are written. A layer is nine tensors: input norm [H], queries, keys and values in one matrix [(heads + 2
 * keyValueHeads) d, H], its bias or undefined, output [H, heads d], norm [H], gate and up in one matrix [2I,H], down [H,I], and
 * the caches of keys and values [at least B, keyValueHeads, capacity, d].
 */
Napi::Value decoder_step(const Napi::CallbackInfo& info, Environment& environment) {
  // First what may run JavaScript, which could free the tensors.
  const auto lengths = integers_of(info[6], "lengths");
  const int64_t heads = integer_of(info[7], "heads");
  const int64_t key_value_heads = integer_of(info[8], "keyValueHeads");
  if (!info[1].IsArray()) throw ArgumentError("BAD_ARGUMENT", "layers are a list");
  const Napi::Array given = info[1].As<Napi::Array>();
  const uint32_t count = length_of(given, "layers");
  if (count % kTensorsOfLayer != 0) throw ArgumentError("BAD_ARGUMENT", "a layer is nine tensors");
  std::vector<Napi::Value> handles;
  for (uint32_t i = 0; i < count; i++) handles.push_back(given.Get(i));
  if (!info[9].IsNumber()) throw ArgumentError("BAD_ARGUMENT", "epsilon is a number");
  const at::Tensor x = checked(environment, info[0], "x", {-1, -1}, true);
  const int64_t rows = x.size(0);
  const int64_t hidden = x.size(1);
  if (heads < 1 || key_value_heads < 1 || heads % key_value_heads != 0 || hidden % heads != 0 || hidden / heads % 2 != 0) {
    throw ArgumentError("BAD_ARGUMENT", "heads do not divide " + description(x) + " into even parts, or keyValueHeads the heads");
  }
  if (static_cast<int64_t>(lengths.size()) != rows) {
    throw ArgumentError("BAD_ARGUMENT", "there is one length for each of the " + std::to_string(rows) + " rows");
  }
  const int64_t size = hidden / heads;
  const at::Tensor final_norm = checked(environment, info[2], "finalNorm", {hidden}, true);
  const at::Tensor head = checked(environment, info[3], "head", {-1, hidden}, false);
  const at::Tensor cos = checked(environment, info[4], "cos", {-1, size}, true);
  const at::Tensor sin = checked(environment, info[5], "sin", {-1, size}, true);
  int64_t room = std::min(cos.size(0), sin.size(0));
  int64_t intermediate = 0;
  std::vector<Layer> layers;
  for (uint32_t i = 0; i < count; i += kTensorsOfLayer) {
    const auto part = [&](int64_t which, const char* name, std::vector<int64_t> sizes, bool is_dense) {
      return checked(environment, handles[i + which], name, std::move(sizes), is_dense);
    };
    Layer layer;
    const int64_t projected = (heads + 2 * key_value_heads) * size;
    layer.input_norm = part(0, "inputNorm", {hidden}, true);
    layer.attention = part(1, "attention", {projected, hidden}, false).t();
    if (!handles[i + 2].IsUndefined()) layer.attention_bias = part(2, "attentionBias", {projected}, true);
    layer.output = part(3, "output", {hidden, heads * size}, false).t();
    layer.attention_norm = part(4, "attentionNorm", {hidden}, true);
    const at::Tensor network = part(5, "network", {i == 0 ? -1 : 2 * intermediate, hidden}, false);
    if (network.size(0) % 2 != 0) throw ArgumentError("BAD_ARGUMENT", "network has as many rows of gates as of ups");
    intermediate = network.size(0) / 2;
    layer.network = network.t();
    layer.down = part(6, "down", {hidden, intermediate}, false).t();
    layer.keys = part(7, "keys", {-1, key_value_heads, -1, size}, true);
    layer.values = part(8, "values", {layer.keys.size(0), key_value_heads, -1, size}, true);
    if (layer.keys.size(0) < rows) throw ArgumentError("BAD_ARGUMENT", "keys have fewer rows than x");
    room = std::min({room, layer.keys.size(2), layer.values.size(2)});
    layers.push_back(std::move(layer));
  }
  for (const int64_t length : lengths) {
    if (length < 0 || length >= room) throw ArgumentError("BAD_ARGUMENT", "a length is beyond the room of caches or rotations");
  }
  const Shape shape{rows,         hidden,       heads,        key_value_heads,
                    size,         intermediate, head.size(0), static_cast<float>(info[9].As<Napi::Number>().DoubleValue())};
  const c10::AutoGradMode no_grad(false);
  const auto room_of = [&](int64_t columns) { return at::empty({rows, columns}, x.options()); };
  const Buffers buffers{x.clone(),       room_of(hidden),           room_of((heads + 2 * key_value_heads) * size), room_of(hidden),
                        room_of(hidden), room_of(2 * intermediate), room_of(intermediate)};
  at::Tensor logits = room_of(shape.vocabulary);
  const at::Tensor columns = head.t();
  // Fewer rows a thread would read the weights more often than that they gain.
  constexpr int64_t kLeastRows = 8;
  over_rows(rows, kLeastRows, [&](int64_t from, int64_t to) {
    decode(layers, shape, buffers, lengths, cos, sin, final_norm, columns, logits, from, to);
  });
  for (const Layer& layer : layers) {
    // A backward pass that saved the caches is to notice.
    layer.keys.unsafeGetTensorImpl()->bump_version();
    layer.values.unsafeGetTensorImpl()->bump_version();
  }
  report_memory(info.Env(), environment);
  return environment.wrap(info.Env(), logits);
}

}  // namespace

void define_decoder(Napi::Env env, Napi::Object exports) { exports["decoderStep"] = guarded(env, "decoderStep", decoder_step); }
