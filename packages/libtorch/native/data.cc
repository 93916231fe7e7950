// Tensors from and to JavaScript's memory, and what is known of a tensor.
#include "environment.h"

#include <ATen/Functions.h>
#include <ATen/ops/empty.h>

#include <cstring>

namespace {

/** The bytes that a view shows. */
std::pair<uint8_t*, size_t> bytes_of(Napi::Value value, const char* name) {
  if ((value.IsTypedArray() && !value.As<Napi::TypedArray>().ArrayBuffer().IsArrayBuffer()) ||
      (value.IsDataView() && !value.As<Napi::DataView>().ArrayBuffer().IsArrayBuffer())) {
    throw ArgumentError("BAD_ARGUMENT", std::string(name) + " lies in a SharedArrayBuffer: copy it with slice()");
  }
  if (value.IsTypedArray()) {
    const auto array = value.As<Napi::TypedArray>();
    return {static_cast<uint8_t*>(array.ArrayBuffer().Data()) + array.ByteOffset(), array.ByteLength()};
  }
  if (value.IsDataView()) {
    const auto view = value.As<Napi::DataView>();
    return {static_cast<uint8_t*>(view.Data()), view.ByteLength()};
  }
  throw ArgumentError("BAD_ARGUMENT", std::string(name) + " is a typed array");
}

/** `fromBytes(bytes, shape, dtype)`: a tensor on the processor with a copy of the bytes. */
Napi::Value from_bytes(const Napi::CallbackInfo& info, Environment& environment) {
  // First what may run JavaScript, which could take the bytes away.
  const auto shape = sizes_of(info[1], "shape");
  const auto type = dtype_of(info[2]);
  const auto [data, length] = bytes_of(info[0], "data");
  uint64_t needed = c10::elementSize(type);
  for (const int64_t size : shape) {
    if (size < 0) throw ArgumentError("BAD_ARGUMENT", "shape has a negative size");
    if (__builtin_mul_overflow(needed, static_cast<uint64_t>(size), &needed)) needed = UINT64_MAX;
    if (needed == UINT64_MAX) break;
  }
  if (needed != length) {
    throw ArgumentError("BAD_ARGUMENT", "data has " + std::to_string(length) + " bytes, and its shape and type need " +
                                            (needed == UINT64_MAX ? "more than there are" : std::to_string(needed)));
  }
  at::Tensor tensor = at::empty(shape, at::TensorOptions().dtype(type));
  if (type == at::kBool) {
    // Any other byte than 0 and 1 would be undefined as a bool.
    auto* to = static_cast<uint8_t*>(tensor.data_ptr());
    for (size_t i = 0; i < length; i++) to[i] = data[i] != 0;
  } else if (length > 0) {
    std::memcpy(tensor.data_ptr(), data, length);
  }
  report_memory(info.Env(), environment);
  return environment.wrap(info.Env(), std::move(tensor));
}

at::Tensor& writable(Environment& environment, Napi::Value value) {
  at::Tensor& tensor = environment.tensor(value, "self");
  if (!tensor.device().is_cpu() || !tensor.is_contiguous()) {
    throw ArgumentError("BAD_ARGUMENT", description(tensor) + " is not contiguous memory of the processor");
  }
  return tensor;
}

/** `writeBytes(tensor, offset, bytes)`: overwrites a part of a contiguous tensor. */
Napi::Value write_bytes(const Napi::CallbackInfo& info, Environment& environment) {
  at::Tensor& tensor = writable(environment, info[0]);
  const int64_t offset = integer_of(info[1], "offset");
  const auto [data, length] = bytes_of(info[2], "data");
  const auto room = static_cast<int64_t>(tensor.nbytes());
  if (offset < 0 || offset > room || static_cast<int64_t>(length) > room - offset) {
    throw ArgumentError("BAD_ARGUMENT", "bytes " + std::to_string(offset) + " to " +
                                            std::to_string(offset + static_cast<int64_t>(length)) + " are beyond the " +
                                            std::to_string(room) + " of the tensor");
  }
  if (tensor.scalar_type() == at::kBool) throw ArgumentError("WRONG_DTYPE", "bytes are not written into bool");
  if (length > 0) std::memcpy(static_cast<uint8_t*>(tensor.data_ptr()) + offset, data, length);
  // A backward pass that saved the values is to notice.
  tensor.unsafeGetTensorImpl()->bump_version();
  return info.Env().Undefined();
}

/** `toBytes(tensor)`: an ArrayBuffer with a copy of its values, row by row. */
Napi::Value to_bytes(const Napi::CallbackInfo& info, Environment& environment) {
  at::Tensor tensor = environment.tensor(info[0], "self").detach();
  tensor = tensor.to(at::kCPU).contiguous();
  const size_t length = tensor.nbytes();
  if (length > (1ull << 32)) throw ArgumentError("BAD_ARGUMENT", "a tensor of 4 GiB or more is read in parts: narrow it first");
  // V8 ends the process where it cannot have the memory.
  require_memory(length);
  Napi::ArrayBuffer buffer = Napi::ArrayBuffer::New(info.Env(), length);
  if (length > 0) std::memcpy(buffer.Data(), tensor.const_data_ptr(), length);
  return buffer;
}

/** `item(tensor)`: the only value, as a number or a boolean; a bigint where it is an integer beyond 2^53. */
Napi::Value item(const Napi::CallbackInfo& info, Environment& environment) {
  const at::Tensor& tensor = environment.tensor(info[0], "self");
  if (tensor.numel() != 1) throw ArgumentError("BAD_ARGUMENT", description(tensor) + " has not one value");
  const at::Scalar value = tensor.item();
  Napi::Env env = info.Env();
  if (value.isBoolean()) return Napi::Boolean::New(env, value.toBool());
  if (!value.isIntegral(false)) return Napi::Number::New(env, value.toDouble());
  const int64_t integer = value.toLong();
  if (integer > 9007199254740992 || integer < -9007199254740992) return Napi::BigInt::New(env, integer);
  return Napi::Number::New(env, static_cast<double>(integer));
}

Napi::Value shape(const Napi::CallbackInfo& info, Environment& environment) {
  const auto sizes = environment.tensor(info[0], "self").sizes();
  Napi::Array array = Napi::Array::New(info.Env(), sizes.size());
  for (size_t i = 0; i < sizes.size(); i++) array.Set(static_cast<uint32_t>(i), static_cast<double>(sizes[i]));
  return array;
}

/** `facts(tensor)`: dtype, device, contiguous, strides and whether it is a leaf. */
Napi::Value facts(const Napi::CallbackInfo& info, Environment& environment) {
  const at::Tensor& tensor = environment.tensor(info[0], "self");
  Napi::Env env = info.Env();
  Napi::Object object = Napi::Object::New(env);
  object["dtype"] = Napi::String::New(env, dtype_name(tensor.scalar_type()));
  object["device"] = Napi::String::New(env, tensor.device().str());
  object["requiresGrad"] = Napi::Boolean::New(env, tensor.requires_grad());
  object["isLeaf"] = Napi::Boolean::New(env, tensor.is_leaf());
  object["isContiguous"] = Napi::Boolean::New(env, tensor.is_contiguous());
  return object;
}

/** `changes(tensor)`: how often its values were changed in place. */
Napi::Value changes(const Napi::CallbackInfo& info, Environment& environment) {
  return Napi::Number::New(info.Env(), static_cast<double>(environment.tensor(info[0], "self")._version()));
}

Napi::Value free_tensor(const Napi::CallbackInfo& info, Environment& environment) {
  const bool freed = environment.tensors.free(integer_of(info[0], "handle"));
  report_memory(info.Env(), environment);
  return Napi::Boolean::New(info.Env(), freed);
}

/** `freeAll(handles)`: frees what is not freed yet of an array of handles. */
Napi::Value free_all(const Napi::CallbackInfo& info, Environment& environment) {
  const Napi::Array handles = info[0].As<Napi::Array>();
  const uint32_t length = handles.Length();
  for (uint32_t i = 0; i < length; i++) {
    environment.tensors.free(handles.Get(i).As<Napi::Number>().Int64Value());
  }
  report_memory(info.Env(), environment);
  return info.Env().Undefined();
}

Napi::Value is_alive(const Napi::CallbackInfo& info, Environment& environment) {
  return Napi::Boolean::New(info.Env(), environment.tensors.find(integer_of(info[0], "handle")) != nullptr);
}

}  // namespace

void define_data(Napi::Env env, Napi::Object exports) {
  exports["fromBytes"] = guarded(env, "tensor", from_bytes);
  exports["writeBytes"] = guarded(env, "writeBytes", write_bytes);
  exports["toBytes"] = guarded(env, "data", to_bytes);
  exports["item"] = guarded(env, "item", item);
  exports["shape"] = guarded(env, "shape", shape);
  exports["facts"] = guarded(env, "facts", facts);
  exports["changes"] = guarded(env, "version", changes);
  exports["free"] = guarded(env, "free", free_tensor);
  exports["freeAll"] = guarded(env, "freeAll", free_all);
  exports["isAlive"] = guarded(env, "isAlive", is_alive);
}
