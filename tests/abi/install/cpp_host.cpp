// SPDX-License-Identifier: MIT
#include <promplug/promplug.hpp>

int main(int argc, char** argv) {
  using promplug::host::Plugin;
  Plugin plugin = Plugin::Load(argc > 1 ? argv[1] : "").ValueOr(Plugin());
  plugin.Counter("starts_total", "Starts.").Inc();
  return plugin.loaded() == (argc > 1) ? 0 : 1;
}
