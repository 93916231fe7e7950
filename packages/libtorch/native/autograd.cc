// Gradients: backward, grad, whether a graph is recorded, and autocast.
#include "environment.h"

#include <ATen/autocast_mode.h>
#include <c10/core/GradMode.h>
#include <c10/util/Exception.h>
#include <torch/csrc/autograd/autograd.h>

namespace {

std::vector<at::Tensor> tensors_of(Environment& environment, Napi::Value value, const char* name) {
  const uint32_t length = length_of(value, name);
  const Napi::Object array = value.As<Napi::Object>();
  std::vector<at::Tensor> tensors;
  for (uint32_t i = 0; i < length; i++) {
    const Napi::Value item = array[i];
    tensors.push_back(item.IsUndefined() ? at::Tensor() : environment.tensor(item, name));
  }
  return tensors;
}

/** Does `work`, and says in JavaScript's names what LibTorch would say in Python's. */
template <typename F>
void with_own_words(F work) {
  try {
    work();
  } catch (const c10::Error& error) {
    const std::string message = error.what_without_backtrace();
    const auto has = [&](const char* part) { return message.find(part) != std::string::npos; };
    if (has("through the graph a second time")) {
      throw ArgumentError("TORCH", "an earlier backward pass freed the graph: with retainGraph: true it would have been kept");
    }
    if (has("allow_unused=True")) {
      throw ArgumentError("TORCH", "an input has no part in the outputs: with allowUnused: true its gradient is undefined");
    }
    throw;
  }
}

/** `backward([2,3] float32)` */
std::string called(const char* name, const std::vector<at::Tensor>& outputs) {
  std::string text = std::string(name) + '(';
  for (size_t i = 0; i < outputs.size() && i < 4; i++) text += (i > 0 ? ", " : "") + description(outputs[i]);
  return text + (outputs.size() > 4 ? ", …)" : ")");
}

/** What LibTorch would add up silently, or fail at in its own words. */
void check_outputs(const std::vector<at::Tensor>& outputs, const std::vector<at::Tensor>& gradients) {
  if (outputs.empty()) throw ArgumentError("BAD_ARGUMENT", "outputs is an empty list");
  if (gradients.size() != outputs.size()) {
    throw ArgumentError("BAD_ARGUMENT", "there are " + std::to_string(gradients.size()) + " gradients of " +
                                            std::to_string(outputs.size()) + " outputs");
  }
  for (size_t i = 0; i < outputs.size(); i++) {
    if (!gradients[i].defined() || gradients[i].sizes().equals(outputs[i].sizes())) continue;
    throw ArgumentError("BAD_ARGUMENT", "a gradient of " + description(gradients[i]) +
                                            " is of another shape than its output, " + description(outputs[i]));
  }
}

/** Does `work`; an error says of which outputs it is, and in JavaScript's names what LibTorch would say in Python's. */
template <typename F>
void naming(Napi::Env env, const char* name, const std::vector<at::Tensor>& outputs, F work) {
  try {
    with_own_words(work);
  } catch (const Napi::Error&) {
    throw;
  } catch (...) {
    rethrow(env, called(name, outputs));
  }
}

/** `backward(outputs, gradients, retainGraph)`: adds to the gradients of all leaves. */
Napi::Value backward(const Napi::CallbackInfo& info, Environment& environment) {
  const auto outputs = tensors_of(environment, info[0], "outputs");
  const auto gradients = tensors_of(environment, info[1], "gradients");
  naming(info.Env(), "backward", outputs, [&] {
    check_outputs(outputs, gradients);
    torch::autograd::backward(outputs, gradients, info[2].ToBoolean().Value());
  });
  report_memory(info.Env(), environment);
  return info.Env().Undefined();
}

/** `grad(outputs, inputs, gradients, retainGraph, allowUnused)`: the gradient of each input; undefined where there is none. */
Napi::Value grad(const Napi::CallbackInfo& info, Environment& environment) {
  const auto outputs = tensors_of(environment, info[0], "outputs");
  const auto inputs = tensors_of(environment, info[1], "inputs");
  const auto gradients = tensors_of(environment, info[2], "gradients");
  torch::autograd::variable_list found;
  naming(info.Env(), "grad", outputs, [&] {
    check_outputs(outputs, gradients);
    if (inputs.empty()) throw ArgumentError("BAD_ARGUMENT", "inputs is an empty list");
    found = torch::autograd::grad(outputs, inputs, gradients, info[3].ToBoolean().Value(), false, info[4].ToBoolean().Value());
  });
  Napi::Array array = Napi::Array::New(info.Env(), found.size());
  for (size_t i = 0; i < found.size(); i++) {
    if (found[i].defined()) array.Set(static_cast<uint32_t>(i), environment.wrap(info.Env(), found[i]));
  }
  report_memory(info.Env(), environment);
  return array;
}

/**
 * `gradient(tensor)`: the gradient that backward left; undefined where there is none. It is another tensor than the one LibTorch
 * keeps, with its memory: were it the same, a gradient of its own could be set, and so on, and the end of such a chain would
 * free one within the other until the stack ends.
 */
Napi::Value gradient(const Napi::CallbackInfo& info, Environment& environment) {
  const at::Tensor& tensor = environment.tensor(info[0], "self");
  // LibTorch would warn on the error stream.
  if (!tensor.is_leaf()) return info.Env().Undefined();
  const at::Tensor& found = tensor.grad();
  return found.defined() ? environment.wrap(info.Env(), found.detach()) : info.Env().Undefined();
}

/** `setGradient(tensor, gradient)`: undefined forgets it. What is kept shares memory with `gradient`, as above. */
Napi::Value set_gradient(const Napi::CallbackInfo& info, Environment& environment) {
  at::Tensor& tensor = environment.tensor(info[0], "self");
  if (info[1].IsUndefined()) {
    tensor.mutable_grad() = at::Tensor();
    report_memory(info.Env(), environment);
    return info.Env().Undefined();
  }
  const at::Tensor& given = environment.tensor(info[1], "gradient");
  if (!given.sizes().equals(tensor.sizes()) || given.scalar_type() != tensor.scalar_type() || given.device() != tensor.device()) {
    throw ArgumentError("BAD_ARGUMENT", "a gradient of " + description(given) + " does not fit " + description(tensor));
  }
  if (given.is_same(tensor)) throw ArgumentError("BAD_ARGUMENT", "a tensor cannot be its own gradient");
  if (given.requires_grad() || given.grad().defined()) {
    throw ArgumentError("BAD_ARGUMENT", "a gradient that " + std::string(given.requires_grad() ? "requires" : "has") +
                                            " a gradient itself is not kept: detach it");
  }
  tensor.mutable_grad() = given.detach();
  return info.Env().Undefined();
}

Napi::Value set_requires_grad(const Napi::CallbackInfo& info, Environment& environment) {
  at::Tensor& tensor = environment.tensor(info[0], "self");
  if (!info[1].IsBoolean()) throw ArgumentError("BAD_ARGUMENT", "requires is true or false");
  const bool requires_grad = info[1].As<Napi::Boolean>();
  if (requires_grad && !tensor.is_floating_point()) {
    throw ArgumentError("WRONG_DTYPE", description(tensor) + " can have no gradients: only floating-point types have");
  }
  if (!tensor.is_leaf() && !requires_grad) {
    throw ArgumentError("BAD_ARGUMENT", description(tensor) + " is the result of a recorded operation: detach it");
  }
  tensor.set_requires_grad(requires_grad);
  return info.Env().Undefined();
}

/** `gradMode(enabled)`: sets whether operations are recorded, and returns what it was. */
Napi::Value grad_mode(const Napi::CallbackInfo& info, Environment&) {
  const bool before = c10::GradMode::is_enabled();
  c10::GradMode::set_enabled(info[0].ToBoolean().Value());
  return Napi::Boolean::New(info.Env(), before);
}

/** `autocast(device, dtype)`: dtype undefined ends it. Returns the dtype that was in force, undefined where none was. */
Napi::Value autocast(const Napi::CallbackInfo& info, Environment&) {
  const auto device = device_of(info[0]).type();
  const bool was_enabled = at::autocast::is_autocast_enabled(device);
  const auto before = at::autocast::get_autocast_dtype(device);
  const bool enables = !info[1].IsUndefined();
  const auto type = enables ? dtype_of(info[1]) : before;
  if (type != at::kBFloat16 && type != at::kHalf) throw ArgumentError("BAD_ARGUMENT", "dtype is bfloat16 or float16");
  at::autocast::set_autocast_dtype(device, type);
  at::autocast::set_autocast_enabled(device, enables);
  // Weights that were cast are kept until the outermost one ends, or another type begins.
  if (!enables || type != before) at::autocast::clear_cache();
  if (!was_enabled) return info.Env().Undefined();
  return Napi::String::New(info.Env(), dtype_name(before));
}

}  // namespace

void define_autograd(Napi::Env env, Napi::Object exports) {
  exports["backward"] = guarded(env, "backward", backward);
  exports["grad"] = guarded(env, "grad", grad);
  exports["gradient"] = guarded(env, "grad", gradient);
  exports["setGradient"] = guarded(env, "grad", set_gradient);
  exports["setRequiresGrad"] = guarded(env, "requiresGrad", set_requires_grad);
  exports["gradMode"] = guarded(env, "gradMode", grad_mode);
  exports["autocast"] = guarded(env, "autocast", autocast);
}
