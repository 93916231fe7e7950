// The addon's entry: one environment a JavaScript thread, and what each file defines.
#include "environment.h"

#include <dlfcn.h>

/** Node unloads the addons of a worker that ends, and LibTorch would be left with an allocator that is gone. */
static void stay_loaded() {
  static const bool is_pinned = [] {
    Dl_info self;
    return dladdr(reinterpret_cast<void*>(&stay_loaded), &self) != 0 &&
           dlopen(self.dli_fname, RTLD_LAZY | RTLD_NOLOAD | RTLD_NODELETE) != nullptr;
  }();
  (void)is_pinned;
}

static Napi::Object init(Napi::Env env, Napi::Object exports) {
  stay_loaded();
  auto* environment = new Environment();
  env.SetInstanceData(environment);
  exports["setErrors"] = Napi::Function::New(env, [](const Napi::CallbackInfo& info) {
    Environment::of(info.Env()).error_of = Napi::Persistent(info[0].As<Napi::Function>());
  });
  define_memory(env, exports);
  count_memory_of(*environment);
  define_operators(env, exports);
  define_data(env, exports);
  define_autograd(env, exports);
  define_random(env, exports);
  define_sampling(env, exports);
  define_token_log_probabilities(env, exports);
  define_decoder(env, exports);
  return exports;
}

NODE_API_MODULE(libtorch, init)
