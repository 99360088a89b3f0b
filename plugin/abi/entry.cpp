// SPDX-License-Identifier: MIT
// The one exported symbol, and the table behind it.
#include <algorithm>
#include <cstring>
#include <string>

#include "abi/tables.hpp"
#include "version.hpp"

namespace promplug::abi {
namespace {

const promplug_api kApi = {
    sizeof(promplug_api),
    PROMPLUG_ABI_MAJOR,
    PROMPLUG_ABI_MINOR,
    0,
    kVersion,
    Create,
    Start,
    Stop,
    Destroy,
    Reload,
    GetStatus,
    LastError,
    GetExtension,
    RegisterCollector,
    RegisterValue,
    Unregister,
    MakeFamily,
    MakeMetric,
    MetricRelease,
    MetricRemove,
    RemoveMatching,
    CounterInc,
    CounterAdd,
    GaugeSet,
    GaugeAdd,
    Observe,
    StateSet,
    CounterAddExemplar,
    ObserveExemplar,
    Update,
    UpdateMany,
    CounterCell,
    CellRelease,
    HandleRequest,
    ScrapeBegin,
    ScrapeHead,
    ScrapeRead,
    ScrapeEnd,
    RunPending,
    Gather,
    PushNow,
    ForkPrepare,
    ForkParent,
    ForkChild,
    StepDown,
};

// Writes only what lies within the host's struct.
void Refuse(promplug_handshake* hs, int32_t result, const std::string& text) {
  hs->result = result;
  const size_t room =
      std::min<size_t>(hs->struct_size, sizeof *hs) - offsetof(promplug_handshake, text);
  const size_t length = std::min(text.size(), room - 1);
  std::memcpy(hs->text, text.data(), length);
  hs->text[length] = '\0';
}

}  // namespace

const promplug_api* Entry(promplug_handshake* hs) {
  if (hs == nullptr) return nullptr;
  // Anything shorter cannot hold a text; the result, if it reaches that far.
  constexpr size_t kLeast = offsetof(promplug_handshake, text) + 64;
  if (hs->struct_size < kLeast) {
    if (hs->struct_size >= offsetof(promplug_handshake, served_major)) {
      hs->result = PROMPLUG_E_INVAL;
    }
    return nullptr;
  }
  hs->served_major = PROMPLUG_ABI_MAJOR;
  hs->served_minor = PROMPLUG_ABI_MINOR;
  // Before 1.0 a minor may break, so only the very one is served (rule R2).
  if (hs->abi_major != PROMPLUG_ABI_MAJOR || hs->abi_minor != PROMPLUG_ABI_MINOR) {
    Refuse(hs, PROMPLUG_E_VERSION,
           "the host was built for ABI " + std::to_string(hs->abi_major) + "." +
               std::to_string(hs->abi_minor) + ", promplug " + kVersion + " serves " +
               std::to_string(PROMPLUG_ABI_MAJOR) + "." + std::to_string(PROMPLUG_ABI_MINOR) +
               "; use the header and the plugin of the same release");
    return nullptr;
  }
  Refuse(hs, PROMPLUG_OK, {});
  return &kApi;
}

}  // namespace promplug::abi

extern "C" PROMPLUG_EXPORT const promplug_api* promplug_entry(promplug_handshake* hs) {
  try {
    return promplug::abi::Entry(hs);
  } catch (...) {
    return nullptr;
  }
}
