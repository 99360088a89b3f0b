// SPDX-License-Identifier: MIT
#include "faults/fault_plan.hpp"

#include <dlfcn.h>
#include <pthread.h>

#include <atomic>
#include <cerrno>
#include <cstdint>
#include <cstdlib>

extern "C" {
void* __libc_malloc(size_t size);
void* __libc_calloc(size_t n, size_t size);
void* __libc_realloc(void* block, size_t size);
void* __libc_memalign(size_t alignment, size_t size);
void __libc_free(void* block);
}

namespace faults {
namespace {

struct Plan {
  std::atomic<int64_t> left{0};  // until the first that fails; not positive: it is due
  std::atomic<bool> armed{false};
  std::atomic<bool> all{false};
  std::atomic<bool> failed{false};

  bool Fails() {
    if (!armed.load()) return false;
    const int64_t before = left.fetch_sub(1);
    const bool fails = before == 1 || (before < 1 && all.load());
    if (fails) failed.store(true);
    return fails;
  }
};

constinit Plan memory;
constinit Plan threads;
constinit std::atomic<size_t> live{0};

Plan& Of(Kind kind) { return kind == Kind::kMemory ? memory : threads; }

void* Counted(void* block) {
  if (block != nullptr) live.fetch_add(1);
  return block;
}

void* NoMemory() {
  errno = ENOMEM;
  return nullptr;
}

}  // namespace

void Arm(Kind kind, size_t nth, Reach reach) {
  Plan& plan = Of(kind);
  plan.left.store(static_cast<int64_t>(nth));
  plan.all.store(reach == Reach::kAllFromThere);
  plan.failed.store(false);
  plan.armed.store(true);
}

bool Disarm() {
  memory.armed.store(false);
  threads.armed.store(false);
  const bool memory_failed = memory.failed.exchange(false);
  return threads.failed.exchange(false) || memory_failed;
}

size_t LiveBlocks() { return live.load(); }

}  // namespace faults

extern "C" {

void* malloc(size_t size) {
  return faults::memory.Fails() ? faults::NoMemory() : faults::Counted(__libc_malloc(size));
}

void* calloc(size_t n, size_t size) {
  return faults::memory.Fails() ? faults::NoMemory() : faults::Counted(__libc_calloc(n, size));
}

void* realloc(void* block, size_t size) {
  if (block == nullptr) return malloc(size);
  if (size == 0) {
    free(block);
    return nullptr;
  }
  return faults::memory.Fails() ? faults::NoMemory() : __libc_realloc(block, size);
}

void* memalign(size_t alignment, size_t size) {
  return faults::memory.Fails() ? faults::NoMemory()
                                : faults::Counted(__libc_memalign(alignment, size));
}

void* aligned_alloc(size_t alignment, size_t size) { return memalign(alignment, size); }

int posix_memalign(void** out, size_t alignment, size_t size) {
  void* const block = memalign(alignment, size);
  if (block == nullptr) return ENOMEM;
  *out = block;
  return 0;
}

void free(void* block) {
  if (block != nullptr) faults::live.fetch_sub(1);
  __libc_free(block);
}

int pthread_create(pthread_t* thread, const pthread_attr_t* attributes, void* (*body)(void*),
                   void* argument) {
  using Create = int (*)(pthread_t*, const pthread_attr_t*, void* (*)(void*), void*);
  static const auto create = reinterpret_cast<Create>(dlsym(RTLD_NEXT, "pthread_create"));
  return faults::threads.Fails() ? EAGAIN : create(thread, attributes, body, argument);
}

}  // extern "C"
