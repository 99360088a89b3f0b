// SPDX-License-Identifier: MIT
// A host for the tests of the formats: families that are a difficulty for one of them. Says where
// it listens, and runs until SIGTERM.
//   formats_host PLUGIN [KEY=VALUE ...]
#include <signal.h>

#include <cstdio>
#include <string>

#include "promplug/promplug.hpp"

int main(int argc, char** argv) {
  using namespace promplug::host;
  if (argc < 2) return 2;
  sigset_t term;
  sigemptyset(&term);
  sigaddset(&term, SIGTERM);
  pthread_sigmask(SIG_BLOCK, &term, nullptr);

  Options options;
  options.no_environment = true;
  options.overrides = {{"scrape.listen", "127.0.0.1:0"}};
  for (int i = 2; i < argc; ++i) {
    const std::string override = argv[i];
    const size_t equals = override.find('=');
    options.overrides.push_back({override.substr(0, equals), override.substr(equals + 1)});
  }
  Plugin plugin = Plugin::Load(argv[1], std::move(options)).OrThrow();

  plugin.Counter("clash_total", "A counter.").Labels().Add(3);
  plugin.Gauge("clash", "A gauge of the same name in OpenMetrics.").Labels().Set(4);
  plugin.Counter("no_suffix", "Gets one in OpenMetrics.").Labels().Add(5);
  plugin.Counter("traced_total", "Has an exemplar.").Labels().Add(6, {{"trace_id", "abc"}});
  FamilyOptions two;
  two.buckets = {1, 2};
  plugin.Histogram("traced_seconds", "Has one in a bucket.", {}, two)
      .Labels()
      .Observe(1.5, {{"trace_id", "def"}});
  FamilyOptions negative;
  negative.buckets = {-1, 1};
  plugin.Histogram("degrees", "Has no sum in OpenMetrics.", {}, negative).Labels().Observe(-5);
  plugin.Gauge("my.gauge/\xc3\xbc", "Quoted \"help\" \\.", {"my.label"}).Labels("x\"y").Set(7);
  plugin.Start().OrThrow();

  std::printf("listening on 127.0.0.1:%d\n", plugin.Status().listen_port);
  std::fflush(stdout);
  int number = 0;
  sigwait(&term, &number);
}
