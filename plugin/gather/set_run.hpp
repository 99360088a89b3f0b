// SPDX-License-Identifier: MIT
#pragma once

#include <functional>
#include <memory>

#include "gather/gatherer.hpp"
#include "gather/refusals.hpp"
#include "multiprocess/set_loop.hpp"

namespace promplug {

// A gather of what all processes of a set say: as of Gatherer::Start(). What the set cannot be
// asked ends in a Gathering that is not OK, so that nobody takes a part of it for the whole. `set`
// must outlive it; the result keeps what it shows.
std::unique_ptr<GatherRun> NewSetRun(SetLoop& set, GatherRequest request,
                                     std::shared_ptr<Refusals> refusals,
                                     std::function<void()> ready);

}  // namespace promplug
