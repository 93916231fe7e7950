// Random generators with a state that can be kept, threads, devices and versions.
#include "environment.h"

#include <ATen/CPUGeneratorImpl.h>
#include <ATen/Context.h>
#include <ATen/Parallel.h>
#include <c10/core/impl/DeviceGuardImplInterface.h>
#include <torch/version.h>

#include <cstring>
#include <mutex>

namespace {

int device_count() {
  const auto* guard = c10::impl::device_guard_impl_registry[static_cast<size_t>(c10::kCUDA)].load();
  return guard == nullptr ? 0 : guard->deviceCount();
}

/** Throws ArgumentError `NO_DEVICE` where the device is not there. */
void check_device(const at::Device& device) {
  if (device.is_cpu()) return;
  const int there = device_count();
  if (device.index() < there) return;
  throw ArgumentError("NO_DEVICE", device.str() + " is not there: " +
                                       (there == 0 ? "no GPU can be used" : "there are " + std::to_string(there) + " GPUs"));
}

Napi::Value check(const Napi::CallbackInfo& info, Environment&) {
  const at::Device device = device_of(info[0]);
  check_device(device);
  return Napi::String::New(info.Env(), device.str());
}

at::Generator default_generator(const at::Device& device) {
  check_device(device);
  return at::globalContext().defaultGenerator(device);
}

/** `generator(device, seed)`: the handle of a new one. */
Napi::Value make_generator(const Napi::CallbackInfo& info, Environment& environment) {
  const auto seed = static_cast<uint64_t>(integer_of(info[1], "seed"));
  at::Generator own = default_generator(device_of(info[0]));
  const std::unique_lock<std::mutex> lock(own.mutex());
  at::Generator generator = own.clone();
  generator.set_current_seed(seed);
  return Napi::Number::New(info.Env(), static_cast<double>(environment.generators.add(std::move(generator))));
}

Napi::Value free_generator(const Napi::CallbackInfo& info, Environment& environment) {
  return Napi::Boolean::New(info.Env(), environment.generators.free(integer_of(info[0], "handle")));
}

/** A generator by its handle, or a device's own by the device's name. */
at::Generator chosen(Environment& environment, Napi::Value value) {
  return value.IsString() ? default_generator(device_of(value)) : environment.generator(value, "generator");
}

Napi::Value seed(const Napi::CallbackInfo& info, Environment& environment) {
  const auto seed = static_cast<uint64_t>(integer_of(info[1], "seed"));
  at::Generator generator = chosen(environment, info[0]);
  const std::lock_guard<std::mutex> lock(generator.mutex());
  generator.set_current_seed(seed);
  return info.Env().Undefined();
}

/** `generatorState(generator)`: a tensor of bytes. */
Napi::Value state(const Napi::CallbackInfo& info, Environment& environment) {
  at::Generator generator = chosen(environment, info[0]);
  const std::lock_guard<std::mutex> lock(generator.mutex());
  return environment.wrap(info.Env(), generator.get_state());
}

/**
 * Whether the Mersenne twister of these bytes reads within its 624 numbers: it would read on from `next` until none is `left`,
 * and LibTorch looks at each alone. Both lie behind the seed, as LibTorch has written them since its first version.
 */
bool is_readable(const at::Tensor& state) {
  int32_t left;
  uint64_t next;
  if (state.numel() < 24) return false;
  std::memcpy(&left, state.const_data_ptr<uint8_t>() + 8, sizeof left);
  std::memcpy(&next, state.const_data_ptr<uint8_t>() + 16, sizeof next);
  return left > 0 && next <= 624 && static_cast<uint64_t>(left) + next <= 625;
}

Napi::Value set_state(const Napi::CallbackInfo& info, Environment& environment) {
  at::Generator generator = chosen(environment, info[0]);
  const at::Tensor given = environment.tensor(info[1], "state").contiguous();
  const std::lock_guard<std::mutex> lock(generator.mutex());
  const at::Tensor now = generator.get_state();
  if (given.scalar_type() != at::kByte || !given.sizes().equals(now.sizes()) || !given.is_cpu()) {
    throw ArgumentError("BAD_ARGUMENT", "a state of " + description(given) + " is none of this generator, which is " +
                                            description(now));
  }
  if (generator.device().is_cpu() && !is_readable(given)) throw ArgumentError("BAD_ARGUMENT", "these bytes are no state");
  generator.set_state(given);
  return info.Env().Undefined();
}

Napi::Value threads(const Napi::CallbackInfo& info, Environment&) {
  if (!info[0].IsUndefined()) {
    const int64_t wanted = integer_of(info[0], "threads");
    if (wanted < 1 || wanted > 1024) throw ArgumentError("BAD_ARGUMENT", "threads is a number from 1 to 1024");
    at::set_num_threads(static_cast<int>(wanted));
  }
  return Napi::Number::New(info.Env(), at::get_num_threads());
}

Napi::Value devices(const Napi::CallbackInfo& info, Environment&) {
  return Napi::Number::New(info.Env(), device_count());
}

Napi::Value synchronize(const Napi::CallbackInfo& info, Environment&) {
  const at::Device device = device_of(info[0]);
  check_device(device);
  if (!device.is_cpu()) c10::impl::getDeviceGuardImpl(device.type())->synchronizeDevice(device.index());
  return info.Env().Undefined();
}

/** `cudnnAttention(enabled)`: whether attention on a GPU may be cuDNN's. */
Napi::Value cudnn_attention(const Napi::CallbackInfo& info, Environment&) {
  at::globalContext().setSDPUseCuDNN(info[0].ToBoolean().Value());
  return info.Env().Undefined();
}

/** `deterministic(only)`: whether operators that have no deterministic way throw. */
Napi::Value deterministic(const Napi::CallbackInfo& info, Environment&) {
  at::globalContext().setDeterministicAlgorithms(info[0].ToBoolean().Value(), false);
  return info.Env().Undefined();
}

}  // namespace

void define_random(Napi::Env env, Napi::Object exports) {
  exports["generator"] = guarded(env, "generator", make_generator);
  exports["freeGenerator"] = guarded(env, "generator", free_generator);
  exports["seed"] = guarded(env, "seed", seed);
  exports["generatorState"] = guarded(env, "state", state);
  exports["setGeneratorState"] = guarded(env, "setState", set_state);
  exports["threads"] = guarded(env, "threads", threads);
  exports["devices"] = guarded(env, "devices", devices);
  exports["checkDevice"] = guarded(env, "device", check);
  exports["synchronize"] = guarded(env, "synchronize", synchronize);
  // It plans anew for each shape, some 40 ms: of sequences that grow by a token a step, or of any length, each is new.
  at::globalContext().setSDPUseCuDNN(false);
  exports["cudnnAttention"] = guarded(env, "cudnnAttention", cudnn_attention);
  exports["deterministic"] = guarded(env, "deterministic", deterministic);
  exports["version"] = Napi::String::New(env, TORCH_VERSION);
}
