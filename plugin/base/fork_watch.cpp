// SPDX-License-Identifier: MIT
#include "base/fork_watch.hpp"

#include <sys/mman.h>
#include <unistd.h>

namespace promplug {
namespace {

// A mapping needs a whole page; a smaller length is rounded up by the kernel.
constexpr size_t kPageBytes = 4096;

}  // namespace

ForkWatch::ForkWatch() : pid_(::getpid()) {
  void* page =
      ::mmap(nullptr, kPageBytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (page == MAP_FAILED) return;
  if (::madvise(page, kPageBytes, MADV_WIPEONFORK) != 0) {
    ::munmap(page, kPageBytes);
    return;
  }
  page_ = static_cast<unsigned char*>(page);
  *page_ = 1;
}

ForkWatch::~ForkWatch() {
  if (page_ != nullptr) ::munmap(const_cast<unsigned char*>(page_), kPageBytes);
}

bool ForkWatch::OtherProcess() const { return ::getpid() != pid_; }

void ForkWatch::Adopt() {
  pid_ = ::getpid();
  if (page_ != nullptr) *page_ = 1;
}

}  // namespace promplug
