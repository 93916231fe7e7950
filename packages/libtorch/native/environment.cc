#include "environment.h"

#include <c10/util/Exception.h>

#include <cmath>
#include <cstring>
#include <new>
#include <sstream>

namespace {

struct NamedType {
  const char* name;
  at::ScalarType type;
};

constexpr NamedType kTypes[] = {
    {"float32", at::kFloat}, {"bfloat16", at::kBFloat16}, {"float16", at::kHalf},  {"float64", at::kDouble},
    {"int64", at::kLong},    {"int32", at::kInt},         {"uint8", at::kByte},    {"bool", at::kBool},
};

/** What LibTorch says, without its trace of calls and its advice to C++ programmers. */
std::string first_paragraph(const char* message) {
  std::string text(message);
  for (const char* end : {"\nException raised from", "\nC++ CapturedTraceback", "\nCUDA kernel errors might", "\nDebugging context"}) {
    const auto at = text.find(end);
    if (at != std::string::npos) text.resize(at);
  }
  while (!text.empty() && (text.back() == '\n' || text.back() == ' ')) text.pop_back();
  return text;
}

/** The code of an error by what LibTorch says. */
const char* code_of(const std::string& message) {
  struct Part {
    const char* text;
    const char* code;
  };
  static constexpr Part kParts[] = {
      {"not enough memory", "OUT_OF_MEMORY"},
      {"same device", "WRONG_DEVICE"},
      {"is on cpu, different from other tensors", "WRONG_DEVICE"},
      {"on CPU, but", "WRONG_DEVICE"},
      {"same dtype", "WRONG_DTYPE"},
      {"same data type", "WRONG_DTYPE"},
      {"dtypes match", "WRONG_DTYPE"},
      {"expected scalar type", "WRONG_DTYPE"},
      {"scalar types", "WRONG_DTYPE"},
      {"xpected dtype", "WRONG_DTYPE"},
      {"self.dtype to be equal to src.dtype", "WRONG_DTYPE"},
      {"nput dtype must be", "WRONG_DTYPE"},
      {"can't be cast to", "WRONG_DTYPE"},
      {"not implemented for '", "WRONG_DTYPE"},
  };
  for (const auto& part : kParts)
    if (message.find(part.text) != std::string::npos) return part.code;
  return "TORCH";
}

Napi::Error error_of(Napi::Env env, const std::string& code, const std::string& message) {
  Environment& environment = Environment::of(env);
  return Napi::Error(env, environment.error_of.Call({Napi::String::New(env, code), Napi::String::New(env, message)}));
}

}  // namespace

at::Tensor& Environment::tensor(Napi::Value value, const char* name) {
  const int64_t handle = integer_of(value, name);
  at::Tensor* found = tensors.find(handle);
  if (found == nullptr) throw ArgumentError("FREED", std::string(name) + " is a tensor that was freed");
  return *found;
}

at::Generator& Environment::generator(Napi::Value value, const char* name) {
  at::Generator* found = generators.find(integer_of(value, name));
  if (found == nullptr) throw ArgumentError("FREED", std::string(name) + " is a generator that was freed");
  return *found;
}

Napi::Value Environment::wrap(Napi::Env env, at::Tensor tensor) {
  if (!tensor.is_cpu()) uses_device = true;
  return Napi::Number::New(env, static_cast<double>(tensors.add(std::move(tensor))));
}

/** `, not "float"` where it is a string. */
static std::string not_but(Napi::Value value) {
  if (!value.IsString()) return "";
  const std::string text = value.As<Napi::String>();
  return ", not \"" + (text.size() > 40 ? text.substr(0, 40) + "…" : text) + "\"";
}

at::ScalarType dtype_of(Napi::Value value) {
  if (value.IsString()) {
    const std::string name = value.As<Napi::String>();
    for (const auto& known : kTypes)
      if (name == known.name) return known.type;
  }
  throw ArgumentError("BAD_ARGUMENT", std::string("dtype is one of float32, bfloat16, float16, float64, int64, int32, uint8 and bool") + not_but(value));
}

const char* dtype_name(at::ScalarType type) {
  for (const auto& known : kTypes)
    if (known.type == type) return known.name;
  return c10::toString(type);
}

at::Device device_of(Napi::Value value) {
  if (value.IsString()) {
    const std::string name = value.As<Napi::String>();
    if (name == "cpu") return at::Device(at::kCPU);
    if (name == "cuda") return at::Device(at::kCUDA, 0);
    if (name.rfind("cuda:", 0) == 0 && name.size() > 5 && name.size() <= 8 &&
        name.find_first_not_of("0123456789", 5) == std::string::npos) {
      const int index = std::stoi(name.substr(5));
      if (index < 64) return at::Device(at::kCUDA, static_cast<c10::DeviceIndex>(index));
    }
  }
  throw ArgumentError("BAD_ARGUMENT", std::string("device is cpu, cuda or cuda:N") + not_but(value));
}

/** Beyond it a double does not hold every whole number, and sums of sizes would come near the end of 64 bits. */
static constexpr int64_t kLargest = 1ll << 53;

int64_t integer_of(Napi::Value value, const char* name) {
  if (value.IsNumber()) {
    const double number = value.As<Napi::Number>().DoubleValue();
    if (number == std::floor(number) && std::abs(number) <= static_cast<double>(kLargest)) return static_cast<int64_t>(number);
  } else if (value.IsBigInt()) {
    bool lossless = false;
    const int64_t number = value.As<Napi::BigInt>().Int64Value(&lossless);
    if (lossless && number <= kLargest && number >= -kLargest) return number;
  }
  throw ArgumentError("BAD_ARGUMENT", std::string(name) + " is a whole number");
}

std::vector<int64_t> integers_of(Napi::Value value, const char* name) {
  std::vector<int64_t> numbers(length_of(value, name));
  const Napi::Object array = value.As<Napi::Object>();
  for (uint32_t i = 0; i < numbers.size(); i++) numbers[i] = integer_of(array[i], name);
  return numbers;
}

std::vector<int64_t> sizes_of(Napi::Value value, const char* name) {
  constexpr uint32_t kMost = 64;
  // With 200,000 dimensions some operators would take minutes.
  if (const uint32_t length = length_of(value, name); length > kMost) {
    throw ArgumentError("BAD_ARGUMENT", std::string(name) + " is a list of " + std::to_string(length) +
                                            ", and a tensor has at most " + std::to_string(kMost) + " dimensions");
  }
  return integers_of(value, name);
}

uint32_t length_of(Napi::Value value, const char* name) {
  if (!value.IsArray()) throw ArgumentError("BAD_ARGUMENT", std::string(name) + " is a list");
  const uint32_t length = value.As<Napi::Array>().Length();
  if (length > 1u << 24) throw ArgumentError("BAD_ARGUMENT", std::string(name) + " is a list of " + std::to_string(length));
  return length;
}

std::string description(const at::Tensor& tensor) {
  if (!tensor.defined()) return "none";
  std::ostringstream text;
  text << '[';
  for (int64_t i = 0; i < tensor.dim(); i++) text << (i > 0 ? "," : "") << tensor.size(i);
  text << "] " << dtype_name(tensor.scalar_type());
  if (!tensor.device().is_cpu()) text << " on " << tensor.device().str();
  return text.str();
}

void rethrow(Napi::Env env, const std::string& where) {
  const std::string before = where.empty() ? "" : where + ": ";
  try {
    throw;
  } catch (const ArgumentError& error) {
    throw error_of(env, error.code, before + error.what());
  } catch (const c10::OutOfMemoryError& error) {
    throw error_of(env, "OUT_OF_MEMORY", before + first_paragraph(error.what_without_backtrace()));
  } catch (const c10::Error& error) {
    const std::string message = first_paragraph(error.what_without_backtrace());
    throw error_of(env, code_of(message), before + message);
  } catch (const std::bad_alloc&) {
    throw error_of(env, "OUT_OF_MEMORY", before + "there is not enough memory");
  } catch (const std::exception& error) {
    throw error_of(env, "TORCH", before + first_paragraph(error.what()));
  } catch (...) {
    throw error_of(env, "TORCH", before + "an exception of an unknown kind");
  }
}
