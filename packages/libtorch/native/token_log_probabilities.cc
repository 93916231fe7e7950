// log softmax(hidden · weightᵀ / temperature) at one target a row, without the logits of all rows at once: they are made in
// chunks, and again in the backward pass. With p the softmax of a row and g the gradient of its result,
// d logits = g (onehot(target) - p) / temperature.
#include "environment.h"

#include <ATen/Functions.h>
#include <ATen/TensorOperators.h>
#include <ATen/autocast_mode.h>
#include <c10/core/GradMode.h>
#include <torch/csrc/autograd/custom_function.h>

#include <algorithm>
#include <cmath>
#include <limits>

namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

bool is_wide(at::ScalarType type) { return type == at::kFloat || type == at::kDouble; }

/** Logits in float32 or wider, tempered; may change what is given. Shape: (rows, V) */
at::Tensor tempered(const at::Tensor& product, double temperature) {
  at::Tensor logits = is_wide(product.scalar_type()) ? product : product.to(at::kFloat);
  return temperature == 1 ? logits : logits.div_(temperature);
}

/** The largest absolute value; 0 of no values. */
double largest(const at::Tensor& values) {
  if (values.numel() == 0) return 0;
  return at::linalg_vector_norm(values.detach(), std::numeric_limits<double>::infinity()).item<double>();
}

/**
 * A power of two that the gradients g of a chunk are multiplied by, so that float16 has room for them: 1/8192 times a share of
 * 1/20,000 would be 0 in it. No product comes to 2^15: a value of the weight's gradient is at most Σ|g| max|rows|, and one of
 * the gradient of hidden at most 2 max|g| max|matrix|.
 */
double scale_of(const at::Tensor& gradient, const at::Tensor& rows, double largest_weight) {
  const double sum = gradient.abs().sum().item<double>();
  const double bound = std::max(sum * std::max(largest(rows), 1.0), 2 * largest(gradient) * largest_weight);
  if (!(bound > 0) || !std::isfinite(bound)) return 1;
  return std::ldexp(1.0, std::clamp(15 - std::ilogb(bound) - 1, -100, 100));
}

/** Adds changeᵀ · rows / scale to `sum`, by parts of the vocabulary where the product has another type. */
void add_product(at::Tensor& sum, const at::Tensor& change, const at::Tensor& rows, double scale) {
  if (sum.scalar_type() == change.scalar_type()) {
    sum.addmm_(change.t(), rows, 1, 1 / scale);
    return;
  }
  constexpr int64_t kPart = 16384;
  const int64_t vocabulary = sum.size(0);
  for (int64_t from = 0; from < vocabulary; from += kPart) {
    const int64_t length = std::min(kPart, vocabulary - from);
    sum.narrow(0, from, length).add_(at::mm(change.narrow(1, from, length).t(), rows), 1 / scale);
  }
}

/** The least logarithm that a probability's is taken for. */
constexpr double kLeast = -1e30;

struct TokenLogProbabilities : torch::autograd::Function<TokenLogProbabilities> {
  static variable_list forward(AutogradContext* context, const at::Tensor& hidden, const at::Tensor& weight,
                               const at::Tensor& targets, double temperature, int64_t chunk, bool is_recorded,
                               bool with_entropies) {
    // Autocast would cast the weight again for each chunk.
    const auto device = hidden.device().type();
    const auto type = at::autocast::is_autocast_enabled(device) ? at::autocast::get_autocast_dtype(device) : weight.scalar_type();
    const at::Tensor rows = hidden.to(type);
    const at::Tensor matrix = weight.to(type);
    const int64_t count = rows.size(0);
    const bool is_kept = is_recorded && count <= chunk;
    const auto wide = type == at::kDouble ? at::kDouble : at::kFloat;
    std::vector<at::Tensor> chosen;
    std::vector<at::Tensor> sums;
    std::vector<at::Tensor> entropies;
    at::Tensor shares;
    for (int64_t from = 0; from < count; from += chunk) {
      const at::Tensor product = at::mm(rows.narrow(0, from, std::min(chunk, count - from)), matrix.t());
      if (is_kept) shares = is_wide(type) ? product : at::empty(product.sizes(), product.options().dtype(wide));
      // By an eighth of the rows, so that little more is there than the product.
      const int64_t part = (product.size(0) + 7) / 8;
      for (int64_t at = 0; at < product.size(0); at += part) {
        const int64_t length = std::min(part, product.size(0) - at);
        const at::Tensor logits = tempered(product.narrow(0, at, length), temperature);
        const at::Tensor target = targets.narrow(0, from + at, length).unsqueeze(1);
        // One pass over the logits, where a sum of exponentials of its own would take three.
        const at::Tensor log_shares = at::log_softmax(logits, 1);
        const at::Tensor of_target = log_shares.gather(1, target);
        chosen.push_back(of_target.squeeze(1));
        if (is_recorded && !is_kept) sums.push_back(logits.gather(1, target) - of_target);
        if (!is_kept && !with_entropies) continue;
        at::Tensor to = is_kept ? shares.narrow(0, at, length) : at::empty_like(log_shares);
        at::exp_out(to, log_shares);
        // What has no probability at all adds nothing, where its logarithm is -∞.
        if (with_entropies) entropies.push_back((to * log_shares.clamp_min(kLeast)).sum(1).neg_());
      }
    }
    const auto joined = [&](const std::vector<at::Tensor>& parts) {
      return parts.empty() ? at::zeros({0}, rows.options().dtype(wide)) : at::cat(parts);
    };
    const at::Tensor result = joined(chosen);
    const at::Tensor entropy = joined(entropies);
    context->mark_non_differentiable({entropy});
    // What fits into one chunk is kept rather than made again.
    context->save_for_backward({hidden, weight, targets, sums.empty() ? at::Tensor() : at::cat(sums), shares});
    context->saved_data["temperature"] = temperature;
    context->saved_data["chunk"] = chunk;
    context->saved_data["type"] = static_cast<int64_t>(type);
    return {result, entropy};
  }

  static variable_list backward(AutogradContext* context, variable_list gradients) {
    const auto saved = context->get_saved_variables();
    const at::Tensor& hidden = saved[0];
    const at::Tensor& weight = saved[1];
    const at::Tensor& targets = saved[2];
    const double temperature = context->saved_data["temperature"].toDouble();
    const int64_t chunk = context->saved_data["chunk"].toInt();
    const auto type = static_cast<at::ScalarType>(context->saved_data["type"].toInt());
    // The weight's gradient is added up in it, over the chunks, as in half precision it would lose more with each of them.
    const auto wide = weight.scalar_type() == at::kDouble ? at::kDouble : at::kFloat;
    const at::Tensor rows = hidden.to(type);
    const at::Tensor matrix = weight.to(type);
    const int64_t count = rows.size(0);
    const bool wants_hidden = context->needs_input_grad(0);
    const bool wants_weight = context->needs_input_grad(1);
    const double largest_weight = type == at::kHalf && wants_hidden ? largest(matrix) : 0;
    std::vector<at::Tensor> of_hidden;
    at::Tensor of_weight = wants_weight ? at::zeros(weight.sizes(), weight.options().dtype(wide)) : at::Tensor();
    for (int64_t from = 0; from < count; from += chunk) {
      const int64_t length = std::min(chunk, count - from);
      const at::Tensor chunk_rows = rows.narrow(0, from, length);
      at::Tensor change = saved[4];
      if (!change.defined()) {
        change = tempered(at::mm(chunk_rows, matrix.t()), temperature).sub_(saved[3].narrow(0, from, length)).exp_();
      }
      at::Tensor gradient = (gradients[0].narrow(0, from, length).to(change.scalar_type()) / temperature).unsqueeze(1);
      const double scale = type == at::kHalf ? scale_of(gradient, chunk_rows, largest_weight) : 1;
      if (scale != 1) gradient = gradient * scale;
      // The saved shares may be needed by another backward pass.
      change = saved[4].defined() ? change * -gradient : change.mul_(-gradient);
      change.scatter_add_(1, targets.narrow(0, from, length).unsqueeze(1), gradient);
      change = change.to(type);
      if (wants_hidden) {
        at::Tensor of_rows = at::mm(change, matrix);
        of_hidden.push_back(scale == 1 ? of_rows : of_rows.to(at::kFloat).div_(scale));
      }
      if (wants_weight) add_product(of_weight, change, chunk_rows, scale);
    }
    at::Tensor hidden_gradient;
    if (wants_hidden) hidden_gradient = count == 0 ? at::zeros_like(hidden) : at::cat(of_hidden).to(hidden.scalar_type());
    if (wants_weight) of_weight = of_weight.to(weight.scalar_type());
    return {hidden_gradient, of_weight, at::Tensor(), at::Tensor(), at::Tensor(), at::Tensor(), at::Tensor()};
  }
};

/**
 * `tokenLogProbabilities(hidden [N,D], weight [V,D], targets [N], temperature, chunk, withEntropies)`: [N], float32, and the
 * entropies [N] of the distributions, or [0].
 */
Napi::Value token_log_probabilities(const Napi::CallbackInfo& info, Environment& environment) {
  const at::Tensor& hidden = environment.tensor(info[0], "hidden");
  const at::Tensor& weight = environment.tensor(info[1], "weight");
  const at::Tensor& targets = environment.tensor(info[2], "targets");
  const std::string shapes = description(hidden) + ", " + description(weight) + ", " + description(targets);
  if (hidden.dim() != 2 || weight.dim() != 2 || targets.dim() != 1 || hidden.size(1) != weight.size(1) ||
      hidden.size(0) != targets.size(0) || weight.size(0) == 0) {
    throw ArgumentError("BAD_ARGUMENT", "hidden [N,D], weight [V,D] and targets [N] do not fit: " + shapes);
  }
  if (!hidden.is_floating_point() || !weight.is_floating_point() || targets.scalar_type() != at::kLong) {
    throw ArgumentError("WRONG_DTYPE", "hidden and weight are floats and targets int64, not " + shapes);
  }
  if (hidden.device() != weight.device() || hidden.device() != targets.device()) {
    throw ArgumentError("WRONG_DEVICE", "its arguments are on different devices: " + shapes);
  }
  if (!info[3].IsNumber() || !(info[3].As<Napi::Number>().DoubleValue() > 0)) {
    throw ArgumentError("BAD_ARGUMENT", "temperature is a number above 0");
  }
  const int64_t chunk = integer_of(info[4], "chunk");
  if (chunk < 1) throw ArgumentError("BAD_ARGUMENT", "chunk is a number of rows from 1");
  if (targets.numel() > 0) {
    // One answer, so that a device is waited for once.
    if (at::logical_or(targets < 0, targets >= weight.size(0)).any().item<bool>()) {
      throw ArgumentError("BAD_ARGUMENT", "a target is outside the vocabulary of " + std::to_string(weight.size(0)));
    }
  }
  const bool is_recorded = c10::GradMode::is_enabled() && (hidden.requires_grad() || weight.requires_grad());
  const double temperature = info[3].As<Napi::Number>().DoubleValue();
  const bool with_entropies = info[5].ToBoolean().Value();
  const auto result = TokenLogProbabilities::apply(hidden, weight, targets, temperature, chunk, is_recorded, with_entropies);
  report_memory(info.Env(), environment);
  Napi::Array both = Napi::Array::New(info.Env(), 2);
  both[0u] = environment.wrap(info.Env(), result[0]);
  both[1u] = environment.wrap(info.Env(), result[1]);
  return both;
}

}  // namespace

void define_token_log_probabilities(Napi::Env env, Napi::Object exports) {
  exports["tokenLogProbabilities"] = guarded(env, "tokenLogProbabilities", token_log_probabilities);
}
