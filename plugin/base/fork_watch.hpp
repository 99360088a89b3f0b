// SPDX-License-Identifier: MIT
#pragma once

#include <sys/types.h>

namespace promplug {

// Tells whether this process is a child that was forked since the object was made, at the price of
// one load: a page that the kernel empties in children (MADV_WIPEONFORK), or the process number
// where the kernel cannot do that. Thread-safe.
class ForkWatch {
 public:
  ForkWatch();
  ~ForkWatch();
  ForkWatch(const ForkWatch&) = delete;
  ForkWatch& operator=(const ForkWatch&) = delete;

  bool Forked() const { return page_ != nullptr ? *page_ == 0 : OtherProcess(); }
  // This process is the one from now on.
  void Adopt();

 private:
  bool OtherProcess() const;

  volatile unsigned char* page_ = nullptr;
  pid_t pid_;
};

}  // namespace promplug
