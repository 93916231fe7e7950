// The processor's memory that tensors take: counted, told to V8, and never asked for beyond what the machine has, as a system
// that promises more than it has would end the process instead of refusing. A block takes memory from the machine when it is
// first written to: until then what the system calls available does not know of it, and it is held against that here.
#include "environment.h"

#include <c10/core/Allocator.h>
#include <c10/core/CPUAllocator.h>
#include <c10/core/CachingDeviceAllocator.h>
#include <c10/core/impl/alloc_cpu.h>

#include <algorithm>
#include <atomic>
#include <cstdio>
#include <cstring>

#ifdef __APPLE__
#include <sys/sysctl.h>
#endif

namespace {

std::atomic<int64_t> live_bytes{0};
std::atomic<int64_t> peak_bytes{0};
std::atomic<int64_t> allocations{0};

/** The counter of this thread's environment; null on threads that are none of JavaScript's. */
thread_local std::atomic<int64_t>* own_bytes = nullptr;

/** The machine is asked when so many bytes were granted since it last was: its answer would cost more than small blocks do. */
constexpr int64_t kChecked = 64 << 20;
std::atomic<int64_t> unchecked_bytes{0};

#ifdef __linux__
/** The number behind `name` in a file of such lines, or the first of the file where `name` is empty; -1 where it has none. */
int64_t number_in(const char* path, const std::string& name = "") {
  FILE* file = std::fopen(path, "r");
  if (file == nullptr) return -1;
  char line[256];
  long long number = -1;
  while (number < 0 && std::fgets(line, sizeof line, file) != nullptr) {
    if (std::strncmp(line, name.c_str(), name.size()) == 0) std::sscanf(line + name.size(), "%lld", &number);
  }
  std::fclose(file);
  return number;
}

/** What a control group leaves; its cache of files is given back when memory is asked for. */
int64_t left_in_group(const char* limit_file, const char* used_file, const char* facts_file, const std::string& prefix) {
  const int64_t limit = number_in(limit_file);
  const int64_t used = number_in(used_file);
  if (limit < 0 || used < 0) return INT64_MAX;
  const int64_t cached = std::max<int64_t>(number_in(facts_file, prefix + "inactive_file "), 0) +
                         std::max<int64_t>(number_in(facts_file, prefix + "active_file "), 0);
  return std::max<int64_t>(limit - used + std::min(cached, used), 0);
}
#endif

/** The bytes of the process's own memory that were written to, swapped out or not; -1 where the system does not say. */
int64_t resident_bytes() {
#ifdef __linux__
  const int64_t kib = number_in("/proc/self/status", "RssAnon:");
  return kib < 0 ? -1 : (kib + std::max<int64_t>(number_in("/proc/self/status", "VmSwap:"), 0)) * 1024;
#else
  return -1;
#endif
}

/** What was resident before there were tensors, or since then where that was less. */
std::atomic<int64_t> resident_apart{0};

/** The bytes that can still be had; a large number where the system does not say. */
int64_t available_bytes() {
#ifdef __linux__
  const int64_t kib = number_in("/proc/meminfo", "MemAvailable:");
  return std::min({kib < 0 ? INT64_MAX : kib * 1024,
                   left_in_group("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory.current", "/sys/fs/cgroup/memory.stat", ""),
                   left_in_group("/sys/fs/cgroup/memory/memory.limit_in_bytes", "/sys/fs/cgroup/memory/memory.usage_in_bytes",
                                 "/sys/fs/cgroup/memory/memory.stat", "total_")});
#elif defined(__APPLE__)
  int64_t total = 0;
  size_t size = sizeof total;
  return sysctlbyname("hw.memsize", &total, &size, nullptr, 0) == 0 ? total : INT64_MAX;
#else
  return INT64_MAX;
#endif
}

/** Of `live` bytes of tensors, those that no page was given for yet: at least so many, as other things may have grown too. */
int64_t unwritten_bytes(int64_t live) {
#ifdef __APPLE__
  // What is available is all that the machine has.
  return live;
#else
  const int64_t resident = resident_bytes();
  if (resident < 0) return 0;
  if (resident < resident_apart) resident_apart = resident;
  return std::max<int64_t>(live - (resident - resident_apart), 0);
#endif
}

/** Throws where `bytes` cannot be had beside the `live` ones of tensors. */
void check(size_t bytes, int64_t live) {
  unchecked_bytes = 0;
  const int64_t available = available_bytes();
  if (available == INT64_MAX) return;
  const int64_t left = std::max<int64_t>(available - unwritten_bytes(live), 0);
  TORCH_CHECK_WITH(OutOfMemoryError, bytes <= static_cast<uint64_t>(left), "not enough memory: ", bytes / 1000000,
                   " MB are asked for, and ", left / 1000000, " MB are left");
}

/** In front of each block, so that the values behind it stay aligned as LibTorch wants them. */
struct Header {
  size_t bytes;
  /** The counter of the environment whose thread took it; null where there was none. */
  std::atomic<int64_t>* owner;
};
constexpr size_t kHeader = 64;

void release(void* data) {
  if (data == nullptr) return;
  char* block = static_cast<char*>(data) - kHeader;
  const Header& header = *reinterpret_cast<Header*>(block);
  live_bytes -= static_cast<int64_t>(header.bytes);
  if (header.owner != nullptr) *header.owner -= static_cast<int64_t>(header.bytes);
  c10::free_cpu(block);
}

class CountingAllocator final : public c10::Allocator {
 public:
  c10::DataPtr allocate(size_t bytes) override {
    if (bytes == 0) return {nullptr, nullptr, &release, c10::Device(c10::kCPU)};
    const auto size = static_cast<int64_t>(bytes);
    // Counted first, so that two threads are not both granted the last of it.
    const int64_t live = live_bytes += size;
    char* block;
    try {
      if (size < 0 || (unchecked_bytes += size) >= kChecked) check(bytes, live - size);
      block = static_cast<char*>(c10::alloc_cpu(bytes + kHeader));
    } catch (...) {
      live_bytes -= size;
      throw;
    }
    *reinterpret_cast<Header*>(block) = {bytes, own_bytes};
    if (own_bytes != nullptr) *own_bytes += size;
    allocations++;
    int64_t peak = peak_bytes;
    while (live > peak && !peak_bytes.compare_exchange_weak(peak, live)) {
    }
    void* data = block + kHeader;
    return {data, data, &release, c10::Device(c10::kCPU)};
  }

  c10::DeleterFnPtr raw_deleter() const override { return &release; }

  void copy_data(void* to, const void* from, size_t bytes) const override { std::memcpy(to, from, bytes); }
};

int64_t device_bytes(bool peak) {
  int64_t sum = 0;
  const auto* guard = c10::impl::device_guard_impl_registry[static_cast<size_t>(c10::kCUDA)].load();
  if (guard == nullptr) return 0;
  auto* allocator = dynamic_cast<c10::DeviceAllocator*>(c10::GetAllocator(c10::kCUDA));
  if (allocator == nullptr || !allocator->initialized()) return 0;
  for (c10::DeviceIndex i = 0; i < guard->deviceCount(); i++) {
    const auto stats = allocator->getDeviceStats(i);
    const auto& bytes = stats.allocated_bytes[static_cast<size_t>(c10::CachingAllocator::StatType::AGGREGATE)];
    sum += peak ? bytes.peak : bytes.current;
  }
  return sum;
}

/** `memory()`: bytes and tensors that are held. */
Napi::Value memory(const Napi::CallbackInfo& info, Environment& environment) {
  Napi::Env env = info.Env();
  Napi::Object object = Napi::Object::New(env);
  object["bytes"] = Napi::Number::New(env, static_cast<double>(live_bytes.load()));
  object["peakBytes"] = Napi::Number::New(env, static_cast<double>(peak_bytes.load()));
  object["allocations"] = Napi::Number::New(env, static_cast<double>(allocations.load()));
  object["deviceBytes"] = Napi::Number::New(env, static_cast<double>(device_bytes(false)));
  object["devicePeakBytes"] = Napi::Number::New(env, static_cast<double>(device_bytes(true)));
  object["tensors"] = Napi::Number::New(env, static_cast<double>(environment.tensors.size()));
  object["reportedBytes"] = Napi::Number::New(env, static_cast<double>(environment.reported_bytes));
  return object;
}

/** `resetPeak()`: the peak is counted anew from what is held now. */
Napi::Value reset_peak(const Napi::CallbackInfo& info, Environment&) {
  peak_bytes = live_bytes.load();
  if (auto* allocator = dynamic_cast<c10::DeviceAllocator*>(c10::GetAllocator(c10::kCUDA))) {
    if (allocator->initialized()) {
      const auto* guard = c10::impl::device_guard_impl_registry[static_cast<size_t>(c10::kCUDA)].load();
      for (c10::DeviceIndex i = 0; guard != nullptr && i < guard->deviceCount(); i++) allocator->resetPeakStats(i);
    }
  }
  return info.Env().Undefined();
}

/** `setScoped(isScoped)`: said when the outermost scope begins and ends. */
Napi::Value set_scoped(const Napi::CallbackInfo& info, Environment& environment) {
  environment.is_scoped = info[0].ToBoolean().Value();
  report_memory(info.Env(), environment);
  return info.Env().Undefined();
}

}  // namespace

void require_memory(size_t bytes) {
  if (static_cast<int64_t>(bytes) >= kChecked) check(bytes, live_bytes);
}

void count_memory_of(Environment& environment) { own_bytes = environment.own_bytes; }

void report_memory(Napi::Env env, Environment& environment) {
  // Told of what comes and goes within a scope, V8 would collect again and again, and find nothing.
  if (environment.is_scoped) return;
  // The device's own statistics are behind a lock, and are of all threads that use it.
  if (environment.uses_device && ++environment.looks % 64 == 0) environment.device_bytes = device_bytes(false);
  const int64_t held = environment.own_bytes->load() + environment.device_bytes;
  const int64_t change = held - environment.reported_bytes;
  if (std::abs(change) < (4 << 20)) return;
  environment.reported_bytes = held;
  Napi::MemoryManagement::AdjustExternalMemory(env, change);
}

void define_memory(Napi::Env env, Napi::Object exports) {
  static const bool installed = [] {
    resident_apart = std::max<int64_t>(resident_bytes(), 0);
    // Never destroyed: LibTorch may ask it while the process ends. Priorities below 255 may be taken by LibTorch's own.
    c10::SetCPUAllocator(new CountingAllocator(), 255);
    return true;
  }();
  (void)installed;
  exports["memory"] = guarded(env, "memory", memory);
  exports["setScoped"] = guarded(env, "scope", set_scoped);
  exports["resetPeak"] = guarded(env, "resetPeak", reset_peak);
}
