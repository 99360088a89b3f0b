// SPDX-License-Identifier: MIT
#include "bench/plugin_host.hpp"

#include <dlfcn.h>

#include <cstdio>
#include <cstdlib>

namespace promplug::bench {
namespace {

const promplug_api* Load() {
  void* object = dlopen(PROMPLUG_SO, RTLD_NOW | RTLD_LOCAL);
  if (object == nullptr) Fail(dlerror());
  const auto entry = reinterpret_cast<promplug_entry_fn>(dlsym(object, PROMPLUG_ENTRY_NAME));
  if (entry == nullptr) Fail(dlerror());
  promplug_handshake hands = {};
  hands.struct_size = sizeof hands;
  hands.abi_major = PROMPLUG_ABI_MAJOR;
  hands.abi_minor = PROMPLUG_ABI_MINOR;
  const promplug_api* api = entry(&hands);
  if (api == nullptr) Fail(hands.text);
  return api;
}

void Log(void*, int32_t level, const char* text, size_t len) {
  if (level >= PROMPLUG_LOG_WARN) std::fprintf(stderr, "%.*s\n", static_cast<int>(len), text);
}

}  // namespace

void Fail(const std::string& what) {
  std::fprintf(stderr, "%s\n", what.c_str());
  std::exit(1);
}

void Require(int32_t status, const promplug_error& error, const char* what) {
  if (status != PROMPLUG_OK) Fail(std::string(what) + ": " + error.text);
}

const promplug_api* Api() {
  static const promplug_api* const api = Load();
  return api;
}

Instance::Instance() : Instance(Overrides()) {}

Instance::Instance(const Overrides& overrides) {
  std::vector<promplug_kv> all = {{PROMPLUG_S("self_metrics"), PROMPLUG_S("false")},
                                  {PROMPLUG_S("process_metrics"), PROMPLUG_S("false")}};
  for (const auto& [key, value] : overrides) all.push_back({Str(key), Str(value)});
  promplug_host host = {};
  host.struct_size = sizeof host;
  host.log = Log;
  promplug_options options = {};
  options.struct_size = sizeof options;
  options.flags = PROMPLUG_F_NO_ENV;
  options.overrides = all.data();
  options.n_overrides = all.size();
  promplug_error error = {};
  Require(Api()->create(&host, &options, &instance_, &error), error, "create");
}

Instance::~Instance() {
  promplug_error error = {};
  Require(Api()->stop(instance_, 5000, &error), error, "stop");
  Require(Api()->destroy(instance_), error, "destroy");
}

void Instance::Start() {
  promplug_error error = {};
  Require(Api()->start(instance_, &error), error, "start");
}

int Instance::Port() const {
  promplug_status status = {};
  status.struct_size = sizeof status;
  Require(Api()->status(instance_, &status), {}, "status");
  return status.listen_port;
}

promplug_family* Instance::Family(const promplug_family_desc& desc) {
  promplug_family* family = nullptr;
  promplug_error error = {};
  Require(Api()->family(instance_, &desc, &family, &error), error, "family");
  return family;
}

promplug_metric* Metric(promplug_family* family, const promplug_str* values, size_t n) {
  promplug_metric* metric = nullptr;
  promplug_error error = {};
  Require(Api()->metric(family, values, n, &metric, &error), error, "metric");
  return metric;
}

}  // namespace promplug::bench
