// SPDX-License-Identifier: MIT
#pragma once

#include <dlfcn.h>
#include <gtest/gtest.h>
#include <promplug/promplug.h>

#include <cstring>
#include <mutex>
#include <string>
#include <vector>

namespace so_test {

inline promplug_str S(const char* text) { return {text, PROMPLUG_Z}; }

// The table of the built promplug.so, loaded as a host does.
inline const promplug_api* Api() {
  static const promplug_api* const api = [] {
    void* object = dlopen(PROMPLUG_SO, RTLD_NOW | RTLD_LOCAL);
    EXPECT_NE(object, nullptr) << dlerror();
    promplug_handshake hands = {};
    hands.struct_size = sizeof hands;
    hands.abi_major = PROMPLUG_ABI_MAJOR;
    hands.abi_minor = PROMPLUG_ABI_MINOR;
    auto entry = reinterpret_cast<promplug_entry_fn>(dlsym(object, PROMPLUG_ENTRY_NAME));
    EXPECT_NE(entry, nullptr);
    return entry(&hands);
  }();
  return api;
}

// An instance that no environment touches, with its log.
class Host {
 public:
  explicit Host(std::vector<promplug_kv> overrides = {}) {
    promplug_host host = {};
    host.struct_size = sizeof host;
    host.user = this;
    host.log = [](void* user, int32_t, const char* text, size_t len) {
      auto* self = static_cast<Host*>(user);
      std::lock_guard lock(self->mutex_);
      self->log_.emplace_back(text, len);
    };
    promplug_options options = {};
    options.struct_size = sizeof options;
    options.flags = PROMPLUG_F_NO_ENV;
    options.overrides = overrides.data();
    options.n_overrides = overrides.size();
    EXPECT_EQ(Api()->create(&host, &options, &p, &err), PROMPLUG_OK) << err.text;
  }
  ~Host() {
    if (p == nullptr) return;
    EXPECT_EQ(Api()->stop(p, 10000, &err), PROMPLUG_OK) << err.text;
    EXPECT_EQ(Api()->destroy(p), PROMPLUG_OK);
  }
  Host(const Host&) = delete;
  Host& operator=(const Host&) = delete;

  void Start() { ASSERT_EQ(Api()->start(p, &err), PROMPLUG_OK) << err.text; }

  promplug_family* Family(int32_t type, const char* name, std::vector<promplug_str> labels = {}) {
    promplug_family_desc desc = {};
    desc.struct_size = sizeof desc;
    desc.type = type;
    desc.name = S(name);
    desc.help = S("help");
    desc.label_names = labels.data();
    desc.n_label_names = labels.size();
    promplug_family* family = nullptr;
    EXPECT_EQ(Api()->family(p, &desc, &family, &err), PROMPLUG_OK) << err.text;
    return family;
  }
  promplug_metric* Metric(promplug_family* family, std::vector<promplug_str> values = {}) {
    promplug_metric* metric = nullptr;
    EXPECT_EQ(Api()->metric(family, values.data(), values.size(), &metric, &err), PROMPLUG_OK)
        << err.text;
    return metric;
  }

  promplug_status Status() {
    promplug_status status = {};
    status.struct_size = sizeof status;
    EXPECT_EQ(Api()->status(p, &status), PROMPLUG_OK);
    return status;
  }

  // The answer to a GET of `path`, or "NOT_HANDLED" or the number of the failure.
  std::string Get(const char* path = "/metrics", const char* method = "GET",
                  uint32_t timeout_ms = 0) {
    return Get(path, method, timeout_ms, {});
  }
  // The same for a client that accepts these types only.
  std::string GetAs(const char* accept) {
    return Get("/metrics", "GET", 0, {{S("Accept"), S(accept)}});
  }

  std::vector<std::string> Log() {
    std::lock_guard lock(mutex_);
    return log_;
  }

  promplug_instance* p = nullptr;
  promplug_error err = {};

 private:
  std::string Get(const char* path, const char* method, uint32_t timeout_ms,
                  const std::vector<promplug_kv>& headers) {
    promplug_error error = {};
    promplug_request request = {};
    request.struct_size = sizeof request;
    request.method = S(method);
    request.path = S(path);
    request.timeout_ms = timeout_ms;
    request.headers = headers.data();
    request.n_headers = headers.size();
    std::string body;
    promplug_response response = {};
    response.struct_size = sizeof response;
    response.user = &body;
    response.begin = [](void* user, int32_t status, const promplug_kv*, size_t, int64_t) {
      *static_cast<std::string*>(user) = std::to_string(status) + "\n";
      return int32_t{0};
    };
    response.write = [](void* user, const void* data, size_t len) {
      static_cast<std::string*>(user)->append(static_cast<const char*>(data), len);
      return int32_t{0};
    };
    const int32_t result = Api()->handle_request(p, &request, &response, &error);
    if (result == PROMPLUG_NOT_HANDLED) return "NOT_HANDLED";
    return result == PROMPLUG_OK ? body : std::to_string(result);
  }

  std::mutex mutex_;
  std::vector<std::string> log_;
};

}  // namespace so_test
