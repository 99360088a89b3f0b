// SPDX-License-Identifier: MIT
#pragma once

#include "metrics/family.hpp"
#include "promplug/promplug.h"

namespace promplug::abi {

// Handles of families and series are their addresses.
inline promplug_family* ToHandle(Family* family) {
  return reinterpret_cast<promplug_family*>(family);
}
inline Family* FromHandle(promplug_family* handle) { return reinterpret_cast<Family*>(handle); }
inline promplug_metric* ToHandle(Series* series) {
  return reinterpret_cast<promplug_metric*>(series);
}
inline Series* FromHandle(promplug_metric* handle) { return reinterpret_cast<Series*>(handle); }

// The instance whose registry has the family.
inline promplug_instance* InstanceOf(const Family* family) {
  return static_cast<promplug_instance*>(family->owner());
}

}  // namespace promplug::abi
