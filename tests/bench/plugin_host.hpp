// SPDX-License-Identifier: MIT
#pragma once

#include <promplug/promplug.h>

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace promplug::bench {

inline promplug_str Str(std::string_view text) { return {text.data(), text.size()}; }

// Says why on stderr and ends the program: a figure of something that failed would be worthless.
[[noreturn]] void Fail(const std::string& what);
// Fails unless status is PROMPLUG_OK.
void Require(int32_t status, const promplug_error& error, const char* what);

// The table of the built plugin, loaded as a host does.
const promplug_api* Api();

// An instance that reads no configuration and exposes instruments only. Stopped and destroyed at
// the end.
class Instance {
 public:
  // Each key with its value, as in docs/config.md.
  using Overrides = std::vector<std::pair<std::string, std::string>>;

  // Listens nowhere and pushes nothing.
  Instance();
  // Does what it is told.
  explicit Instance(const Overrides& overrides);
  ~Instance();
  Instance(const Instance&) = delete;
  Instance& operator=(const Instance&) = delete;

  void Start();
  // Of its own listener; 0: none.
  int Port() const;
  promplug_family* Family(const promplug_family_desc& desc);
  promplug_instance* get() const { return instance_; }

 private:
  promplug_instance* instance_ = nullptr;
};

// Pinned until the instance ends.
promplug_metric* Metric(promplug_family* family, const promplug_str* values, size_t n);

}  // namespace promplug::bench
