// SPDX-License-Identifier: MIT
#include "relay/regroup.hpp"

#include <cstddef>
#include <string>
#include <unordered_map>

#include "base/text.hpp"
#include "exposition/text_reader.hpp"
#include "relay/family_tracker.hpp"

namespace promplug {
namespace {

constexpr size_t kNone = static_cast<size_t>(-1);

// Lines of one family that follow each other.
struct Run {
  std::string_view text;
  size_t next = kNone;  // the next run of the family
};

class Runs {
 public:
  void Add(uint64_t family, std::string_view text) {
    if (text.empty()) return;
    const size_t index = runs_.size();
    runs_.push_back({text, kNone});
    const auto [at, is_new] = last_.try_emplace(family, index);
    if (is_new) {
      firsts_.push_back(index);
    } else {
      runs_[at->second].next = index;
      at->second = index;
    }
  }

  std::vector<std::string_view> InOrder() const {
    std::vector<std::string_view> ordered;
    ordered.reserve(runs_.size());
    for (const size_t first : firsts_) {
      for (size_t i = first; i != kNone; i = runs_[i].next) ordered.push_back(runs_[i].text);
    }
    return ordered;
  }

 private:
  std::vector<Run> runs_;
  std::vector<size_t> firsts_;                 // of each family, in their order
  std::unordered_map<uint64_t, size_t> last_;  // of each family, by its id
};

FamilyTracker::Step StepTo(const TextLine& line, FamilyTracker* tracker) {
  switch (line.kind) {
    case TextLine::Kind::kHelp:
      return tracker->Help(line.name);
    case TextLine::Kind::kType:
      return tracker->Type(line.name, line.type);
    case TextLine::Kind::kSample:
      return tracker->Sample(line.name).step;
    case TextLine::Kind::kNothing:
    case TextLine::Kind::kEof:
      break;
  }
  return FamilyTracker::Step::kSame;
}

Status LineError(size_t number, std::string_view reason, std::string_view line) {
  return {Code::kInvalid,
          "line " + std::to_string(number) + ": " + std::string(reason) + ": " + Quoted(line)};
}

}  // namespace

Result<std::vector<std::string_view>> Regroup(std::string_view body) {
  Runs runs;
  FamilyTracker tracker;
  TextLineReader reader;
  TextLine line;
  size_t run_begin = 0;
  size_t number = 0;
  for (size_t begin = 0; begin < body.size();) {
    ++number;
    // A line like the one before is of the same family.
    if (const size_t length = reader.ReadAlike(body.substr(begin), &line); length != 0) {
      begin += length + 1;
      continue;
    }
    const size_t newline = body.find('\n', begin);
    const std::string_view text = body.substr(begin, newline - begin);
    if (newline == std::string_view::npos) {
      return LineError(number, "cut: the last line does not end with a newline", text);
    }
    const std::string_view wrong = reader.Read(text, &line);
    if (!wrong.empty()) return LineError(number, wrong, text);
    // A family's name is certain only when its first sample is there: a run gets its family when
    // it ends.
    const uint64_t before = tracker.id();
    if (StepTo(line, &tracker) != FamilyTracker::Step::kSame) {
      runs.Add(before, body.substr(run_begin, begin - run_begin));
      run_begin = begin;
    }
    begin = newline + 1;
  }
  runs.Add(tracker.id(), body.substr(run_begin));
  return runs.InOrder();
}

}  // namespace promplug
