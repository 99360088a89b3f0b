// SPDX-License-Identifier: MIT
#pragma once

#include "base/status.hpp"
#include "config/keys.hpp"

namespace promplug {

// The node_exporter of this machine, which is forwarded where `forward` is not given.
ForwardConfig DefaultForward();

// Reads the list of exporters, which replaces what there was, and notes each of their keys.
Status ReadForward(const Value& value, Draft& draft);

}  // namespace promplug
