// log softmax(hidden · weightᵀ / temperature) at one target a row, without the logits of all rows at once: they are made in
// chunks, and again in the backward pass. With p the softmax of a row and g the gradient of its result,
// d logits = g (onehot(target) - p) / temperature.
#include "environment.h"

#include <ATen/Functions.h>
#include <ATen/TensorOperators.h>
#include <ATen/autocast_mode.h>
#include <torch/csrc/autograd/custom_function.h>

namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

/** Shape: (rows, V), floats, tempered. */
at::Tensor logits_of(const at::Tensor& hidden, const at::Tensor& weight, double temperature) {
  at::Tensor logits = at::mm(hidden, weight.t());
  if (logits.scalar_type() != at::kFloat && logits.scalar_type() != at::kDouble) logits = logits.to(at::kFloat);
  if (temperature != 1) logits.div_(temperature);
  return logits;
}

struct TokenLogProbabilities : torch::autograd::Function<TokenLogProbabilities> {
  static variable_list forward(AutogradContext* context, const at::Tensor& hidden, const at::Tensor& weight,
                               const at::Tensor& targets, double temperature, int64_t chunk) {
    // Autocast would cast the weight again for each chunk.
    const auto device = hidden.device().type();
    const auto type = at::autocast::is_autocast_enabled(device) ? at::autocast::get_autocast_dtype(device) : weight.scalar_type();
    const at::Tensor rows = hidden.to(type);
    const at::Tensor matrix = weight.to(type);
    const int64_t count = rows.size(0);
    const bool is_whole = count <= chunk;
    std::vector<at::Tensor> chosen;
    std::vector<at::Tensor> sums;
    at::Tensor shares;
    for (int64_t from = 0; from < count; from += chunk) {
      const int64_t length = std::min(chunk, count - from);
      at::Tensor logits = logits_of(rows.narrow(0, from, length), matrix, temperature);
      const at::Tensor target = targets.narrow(0, from, length).unsqueeze(1);
      // One pass over the logits, where a sum of exponentials of its own would take three.
      at::Tensor log_shares = at::log_softmax(logits, 1);
      const at::Tensor of_target = log_shares.gather(1, target);
      chosen.push_back(of_target.squeeze(1));
      if (is_whole) shares = log_shares.exp_();
      else sums.push_back(logits.gather(1, target) - of_target);
    }
    const at::Tensor result = count == 0 ? at::zeros({0}, rows.options().dtype(type == at::kDouble ? at::kDouble : at::kFloat)) : at::cat(chosen);
    // What fits into one chunk is kept rather than made again.
    context->save_for_backward({hidden, weight, targets, count == 0 || is_whole ? at::Tensor() : at::cat(sums), shares});
    context->saved_data["temperature"] = temperature;
    context->saved_data["chunk"] = chunk;
    context->saved_data["type"] = static_cast<int64_t>(type);
    return {result};
  }

  static variable_list backward(AutogradContext* context, variable_list gradients) {
    const auto saved = context->get_saved_variables();
    const at::Tensor& hidden = saved[0];
    const at::Tensor& weight = saved[1];
    const at::Tensor& targets = saved[2];
    const double temperature = context->saved_data["temperature"].toDouble();
    const int64_t chunk = context->saved_data["chunk"].toInt();
    const auto type = static_cast<at::ScalarType>(context->saved_data["type"].toInt());
    const at::Tensor rows = hidden.to(type);
    const at::Tensor matrix = weight.to(type);
    const int64_t count = rows.size(0);
    const bool wants_hidden = context->needs_input_grad(0);
    const bool wants_weight = context->needs_input_grad(1);
    std::vector<at::Tensor> of_hidden;
    at::Tensor of_weight = wants_weight ? at::zeros_like(weight) : at::Tensor();
    for (int64_t from = 0; from < count; from += chunk) {
      const int64_t length = std::min(chunk, count - from);
      const at::Tensor chunk_rows = rows.narrow(0, from, length);
      at::Tensor change = saved[4].defined() ? saved[4]
                                             : logits_of(chunk_rows, matrix, temperature).sub_(saved[3].narrow(0, from, length)).exp_();
      const at::Tensor gradient = (gradients[0].narrow(0, from, length).to(change.scalar_type()) / temperature).unsqueeze(1);
      // The saved shares may be needed by another backward pass.
      change = saved[4].defined() ? change * -gradient : change.mul_(-gradient);
      change.scatter_add_(1, targets.narrow(0, from, length).unsqueeze(1), gradient);
      change = change.to(type);
      if (wants_hidden) of_hidden.push_back(at::mm(change, matrix));
      if (!wants_weight) continue;
      if (of_weight.scalar_type() == type) of_weight.addmm_(change.t(), chunk_rows);
      else of_weight.add_(at::mm(change.t(), chunk_rows));
    }
    at::Tensor hidden_gradient;
    if (wants_hidden) hidden_gradient = count == 0 ? at::zeros_like(hidden) : at::cat(of_hidden).to(hidden.scalar_type());
    return {hidden_gradient, of_weight, at::Tensor(), at::Tensor(), at::Tensor()};
  }
};

/** `tokenLogProbabilities(hidden [N,D], weight [V,D], targets [N], temperature, chunk)`: [N], float32. */
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
  const auto result = TokenLogProbabilities::apply(hidden, weight, targets, info[3].As<Napi::Number>().DoubleValue(), chunk);
  report_memory(info.Env(), environment);
  return environment.wrap(info.Env(), result[0]);
}

}  // namespace

void define_token_log_probabilities(Napi::Env env, Napi::Object exports) {
  exports["tokenLogProbabilities"] = guarded(env, "tokenLogProbabilities", token_log_probabilities);
}
