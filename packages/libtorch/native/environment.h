// What belongs to one JavaScript thread: the tensors, generators and operators that it holds, by number.
#pragma once

// A thread that is being ended can take no exception, and would end the process with it.
#define NODE_API_SWALLOW_UNTHROWABLE_EXCEPTIONS

#include <ATen/core/Generator.h>
#include <ATen/core/Tensor.h>
#include <ATen/core/dispatch/Dispatcher.h>
#include <napi.h>

#include <atomic>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

/** A problem that the caller caused: `code` is for programs. */
struct ArgumentError : std::runtime_error {
  std::string code;
  ArgumentError(std::string kind, const std::string& what) : std::runtime_error(what), code(std::move(kind)) {}
};

/**
 * Things by number. A number names a place and how often it was taken, so that one that was freed is known to be, and no
 * number that JavaScript makes up can name what is not there. Adding one may move the others: a reference to one is good until
 * then, and until JavaScript runs, which may free it.
 */
template <typename T>
class Handles {
 public:
  int64_t add(T value) {
    uint32_t index;
    if (free_.empty()) {
      if (places_.size() >> kIndexBits != 0) throw ArgumentError("OUT_OF_MEMORY", "there are too many tensors");
      index = static_cast<uint32_t>(places_.size());
      places_.push_back({});
    } else {
      index = free_.back();
      free_.pop_back();
    }
    places_[index].value = std::move(value);
    places_[index].taken = true;
    size_++;
    return (static_cast<int64_t>(places_[index].generation) << kIndexBits) | index;
  }

  /** The thing; null where it was freed or never was. */
  T* find(int64_t handle) {
    const uint64_t index = static_cast<uint64_t>(handle) & ((1ull << kIndexBits) - 1);
    if (handle < 0 || index >= places_.size()) return nullptr;
    Place& place = places_[index];
    if (!place.taken || place.generation != static_cast<uint64_t>(handle) >> kIndexBits) return nullptr;
    return &place.value;
  }

  bool free(int64_t handle) {
    T* value = find(handle);
    if (value == nullptr) return false;
    const uint32_t index = static_cast<uint32_t>(static_cast<uint64_t>(handle) & ((1ull << kIndexBits) - 1));
    T freed = std::move(*value);
    *value = T();
    places_[index].taken = false;
    size_--;
    // 52 bits are within what a JavaScript number holds exactly; a place that was taken as often as that is not taken again.
    if (++places_[index].generation >> kGenerationBits == 0) free_.push_back(index);
    return true;
  }

  size_t size() const { return size_; }

 private:
  static constexpr int kIndexBits = 27;
  static constexpr int kGenerationBits = 25;
  struct Place {
    T value;
    uint32_t generation = 1;
    bool taken = false;
  };
  std::vector<Place> places_;
  std::vector<uint32_t> free_;
  size_t size_ = 0;
};

struct Environment {
  Handles<at::Tensor> tensors;
  Handles<at::Generator> generators;
  std::vector<c10::OperatorHandle> operators;
  /** Makes the package's error of a code and a message. */
  Napi::FunctionReference error_of;
  /** Bytes of the processor's memory that its thread took and nobody freed. Never deleted: they may outlive the thread. */
  std::atomic<int64_t>* const own_bytes = new std::atomic<int64_t>(0);
  /** Whether it had a tensor on a GPU. */
  bool uses_device = false;
  /** Bytes that V8 was told of. */
  int64_t reported_bytes = 0;
  /** Whether a scope is open: what is made in it the collector need not care for. */
  bool is_scoped = false;
  /** How often it was looked whether to tell it. */
  uint32_t looks = 0;
  /** Bytes on GPUs, of all threads, when that was last asked for. */
  int64_t device_bytes = 0;

  static Environment& of(Napi::Env env) { return *env.GetInstanceData<Environment>(); }

  /** The tensor of a handle. Throws ArgumentError `FREED`, or `BAD_ARGUMENT` for what is no handle. */
  at::Tensor& tensor(Napi::Value value, const char* name);
  at::Generator& generator(Napi::Value value, const char* name);

  Napi::Value wrap(Napi::Env env, at::Tensor tensor);
};

/** `float32`, `bfloat16`, … as at::ScalarType; throws ArgumentError. */
at::ScalarType dtype_of(Napi::Value value);
/** The name of a type, as JavaScript has it. */
const char* dtype_name(at::ScalarType type);
/** `cpu`, `cuda` or `cuda:1`; throws ArgumentError. */
at::Device device_of(Napi::Value value);

/** A whole number that a double holds exactly; throws ArgumentError. */
int64_t integer_of(Napi::Value value, const char* name);
std::vector<int64_t> integers_of(Napi::Value value, const char* name);
/** The same for the sizes of a tensor, which has at most 64 dimensions; throws ArgumentError. */
std::vector<int64_t> sizes_of(Napi::Value value, const char* name);
/** The length of a list, which is an array and not longer than anything that is meant; throws ArgumentError. */
uint32_t length_of(Napi::Value value, const char* name);

/** `[2, 3] float32 on cpu` */
std::string description(const at::Tensor& tensor);

/** Throws to JavaScript what is being handled, as the error class of the package; `where` names the operation. */
[[noreturn]] void rethrow(Napi::Env env, const std::string& where);

/** Throws c10::OutOfMemoryError where the machine has not so many bytes left beside those that tensors were granted. */
void require_memory(size_t bytes);

/** Counts what this thread allocates from now on as the environment's. */
void count_memory_of(Environment& environment);

/** Tells the environment's V8, now and then, how many bytes its tensors hold. */
void report_memory(Napi::Env env, Environment& environment);

/** A function of the addon, with every C++ exception turned into an error of the package. */
template <typename F>
Napi::Function guarded(Napi::Env env, const char* name, F body) {
  return Napi::Function::New(
      env,
      [body, name](const Napi::CallbackInfo& info) -> Napi::Value {
        try {
          return body(info, Environment::of(info.Env()));
        } catch (const Napi::Error&) {
          throw;
        } catch (...) {
          rethrow(info.Env(), name);
        }
      },
      name);
}

void define_operators(Napi::Env env, Napi::Object exports);
void define_data(Napi::Env env, Napi::Object exports);
void define_autograd(Napi::Env env, Napi::Object exports);
void define_memory(Napi::Env env, Napi::Object exports);
void define_random(Napi::Env env, Napi::Object exports);
void define_sampling(Napi::Env env, Napi::Object exports);
void define_token_log_probabilities(Napi::Env env, Napi::Object exports);
void define_decoder(Napi::Env env, Napi::Object exports);
