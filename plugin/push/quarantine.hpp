// SPDX-License-Identifier: MIT
#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

namespace promplug {

// The families of one target that are left out of its pushes because the Pushgateway would refuse
// the whole push for one of them. Each is tried again with the tenth push that it missed. Used by
// one thread.
class Quarantine {
 public:
  // At most so many families are taken into it, and let out of it for a trial, per push: the pushes
  // that it takes to find them are redone at once.
  static constexpr size_t kMaxPerPush = 8;
  static constexpr int kPushesHeld = 10;

  // Before the first attempt of a push.
  void BeginPush();
  // After an attempt that was refused for `names`. Gives those that are held from now on; none:
  // redoing the push is of no use.
  std::vector<std::string> Hold(const std::vector<std::string>& names);
  // After a push that was accepted. Gives those that were held before and are not any more.
  std::vector<std::string> Accepted();

  const std::set<std::string>& held() const { return held_; }
  // Whether Hold() gave `name` for the first time since it was last accepted.
  bool IsNew(const std::string& name) const { return on_trial_.count(name) == 0; }

 private:
  std::set<std::string> held_;
  std::map<std::string, int> missed_;  // pushes, of those held
  std::set<std::string> on_trial_;     // let out, and not accepted yet
  size_t taken_ = 0;                   // in this push
};

}  // namespace promplug
