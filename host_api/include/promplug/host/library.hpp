// SPDX-License-Identifier: MIT
#pragma once

#include <dlfcn.h>

#include <array>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <string>
#include <utility>

#include "../promplug.h"
#include "result.hpp"
#include "text.hpp"

namespace promplug::host::detail {

// promplug.so in this process and its function table. Move-only.
class Library {
 public:
  // Loads the file at `path`, which is never searched for, and shakes hands with it. The errors
  // say what to do: E_NOT_FOUND no such file, E_IO not loadable, E_INVAL not a plugin, E_VERSION
  // another ABI.
  static Result<Library> Open(const std::string& path);

  Library(Library&& other) noexcept
      : handle_(std::exchange(other.handle_, nullptr)), api_(other.api_) {}
  Library& operator=(Library&& other) noexcept {
    std::swap(handle_, other.handle_);
    std::swap(api_, other.api_);
    return *this;
  }
  ~Library() {
    if (handle_ != nullptr) dlclose(handle_);
  }

  const promplug_api* api() const noexcept { return api_; }

 private:
  explicit Library(void* handle) : handle_(handle) {}
  Result<void> ShakeHands(const std::string& path);

  void* handle_;
  const promplug_api* api_ = nullptr;
};

// The numbers of the ELF specification (e_machine).
inline std::string MachineName(unsigned machine) {
  switch (machine) {
    case 3:
      return "32-bit x86";
    case 40:
      return "32-bit ARM";
    case 62:
      return "x86-64";
    case 183:
      return "aarch64";
    case 243:
      return "RISC-V";
    default:
      return "ELF machine " + std::to_string(machine);
  }
}

// e_machine of an ELF file; 0: the file is none, or cannot be read.
inline unsigned MachineOf(const std::string& path) {
  std::array<unsigned char, 20> head{};
  std::ifstream file(path, std::ios::binary);
  file.read(reinterpret_cast<char*>(head.data()), head.size());
  const bool elf =
      file.good() && head[0] == 0x7f && head[1] == 'E' && head[2] == 'L' && head[3] == 'F';
  return elf ? head[18] + 256u * head[19] : 0;
}

// dlopen's own text names the symptom only, and for a file of another machine not even that.
inline Error ExplainOpenFailure(const std::string& path, const std::string& dl_text) {
  const std::string what = "cannot load the plugin " + path + ": ";
  std::error_code ignored;
  if (!std::filesystem::exists(path, ignored)) {
    return Error(PROMPLUG_E_NOT_FOUND,
                 what + "there is no such file; give the path of promplug.so");
  }
  const unsigned machine = MachineOf(path);
  if (machine == 0) {
    return Error(PROMPLUG_E_INVAL,
                 what + "it is not a readable shared object; give the path of promplug.so");
  }
  const unsigned own = MachineOf("/proc/self/exe");
  if (own != 0 && machine != own) {
    return Error(PROMPLUG_E_IO, what + "it is built for " + MachineName(machine) +
                                    " and this process is " + MachineName(own) +
                                    "; install the promplug.so for " + MachineName(own));
  }
  return Error(PROMPLUG_E_IO, what + dl_text + "; `ldd " + path + "` shows what it needs");
}

inline Result<Library> Library::Open(const std::string& path) {
  if (path.empty()) {
    return Error(PROMPLUG_E_INVAL, "cannot load the plugin: its path is empty");
  }
  // A name without a slash would be searched for in the library path.
  const std::string file = path.find('/') == std::string::npos ? "./" + path : path;
  void* handle = dlopen(file.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (handle == nullptr) {
    const char* text = dlerror();  // NOLINT(concurrency-mt-unsafe): thread-local in glibc
    return ExplainOpenFailure(path, text != nullptr ? text : "dlopen failed");
  }
  Library library(handle);
  if (auto hands = library.ShakeHands(path); !hands) return hands.error();
  return library;
}

inline Result<void> Library::ShakeHands(const std::string& path) {
  const auto entry = reinterpret_cast<promplug_entry_fn>(dlsym(handle_, PROMPLUG_ENTRY_NAME));
  if (entry == nullptr) {
    return Error(PROMPLUG_E_INVAL, path + " is a shared object but not promplug.so: it has no " +
                                       PROMPLUG_ENTRY_NAME + "()");
  }
  auto hands = Sized<promplug_handshake>();
  hands.abi_major = PROMPLUG_ABI_MAJOR;
  hands.abi_minor = PROMPLUG_ABI_MINOR;
  const promplug_api* api = entry(&hands);
  if (api != nullptr && api->struct_size >= sizeof(promplug_api)) {
    api_ = api;
    return {};
  }
  const auto version = [](uint32_t major, uint32_t minor) {
    return std::to_string(major) + "." + std::to_string(minor);
  };
  const std::string own = version(PROMPLUG_ABI_MAJOR, PROMPLUG_ABI_MINOR);
  std::string text = path + " serves ABI " + version(hands.served_major, hands.served_minor) +
                     " and this host was built for " + own + "; install a promplug.so for ABI " +
                     own + " or rebuild the host";
  if (hands.text[0] != '\0') text += std::string(" (") + hands.text + ")";
  return Error(PROMPLUG_E_VERSION, text);
}

}  // namespace promplug::host::detail
