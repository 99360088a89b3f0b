// SPDX-License-Identifier: MIT
// A host for the tests of native histograms: observes each number of a file in three families, says
// where it listens, and runs until SIGTERM.
//   native_host PLUGIN NUMBERS
#include <signal.h>

#include <cstdio>
#include <fstream>

#include "promplug/promplug.hpp"

int main(int argc, char** argv) {
  using namespace promplug::host;
  if (argc != 3) return 2;
  sigset_t term;
  sigemptyset(&term);
  sigaddset(&term, SIGTERM);
  pthread_sigmask(SIG_BLOCK, &term, nullptr);

  Options options;
  options.no_environment = true;
  options.overrides = {{"scrape.listen", "127.0.0.1:0"}};
  Plugin plugin = Plugin::Load(argv[1], std::move(options)).OrThrow();
  plugin.Start().OrThrow();

  FamilyOptions native;
  native.native_max_buckets = 160;
  FamilyOptions both = native;
  both.buckets = {0.01, 0.1, 1};
  FamilyOptions few = native;
  few.native_max_buckets = 12;
  auto fine_seconds =
      plugin.Histogram("fine_seconds", "Native buckets alone.", {}, native).Labels();
  auto both_seconds = plugin.Histogram("both_seconds", "Classic ones beside.", {}, both).Labels();
  auto few_seconds = plugin.Histogram("few_seconds", "Twelve buckets.", {}, few).Labels();
  std::ifstream numbers(argv[2]);
  for (double v = 0; numbers >> v;) {
    fine_seconds.Observe(v);
    both_seconds.Observe(v);
    few_seconds.Observe(v);
  }
  std::printf("listening on 127.0.0.1:%d\n", plugin.Status().listen_port);
  std::fflush(stdout);
  int number = 0;
  sigwait(&term, &number);
}
