// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/text.hpp"

namespace promplug::testing {

// Checks a body as strictly as a Pushgateway that is asked to take it whole, and as the text format
// 0.0.4 demands: written for tests, slowly, on its own, so that it shares no mistake with the
// readers of the plugin.
class ExpositionChecker {
 public:
  // Empty: the body is good; else the first thing that is wrong with it.
  static std::string Check(std::string_view body) { return ExpositionChecker().Run(body); }

 private:
  struct Family {
    std::string type = "untyped";
    bool has_type = false, has_help = false, has_samples = false;
  };
  using Labels = std::vector<std::pair<std::string, std::string>>;

  std::string Run(std::string_view body) {
    if (!body.empty() && body.back() != '\n') return "no final newline";
    while (!body.empty() && error_.empty()) {
      const size_t newline = body.find('\n');
      rest_ = body.substr(0, newline);
      const std::string line(rest_);
      rest_.starts_with("#") ? Comment() : Sample();
      if (!error_.empty()) return error_ + " in: " + line;
      body.remove_prefix(newline + 1);
    }
    for (const auto& [name, family] : families_) CheckSuffixes(name, family);
    return error_;
  }

  void Need(bool good, std::string_view what) {
    if (!good && error_.empty()) error_ = what;
  }
  bool Skip(std::string_view text) {
    if (!rest_.starts_with(text)) return false;
    rest_.remove_prefix(text.size());
    return true;
  }
  std::string Until(std::string_view stops) {
    const std::string_view token = rest_.substr(0, rest_.find_first_of(stops));
    rest_.remove_prefix(token.size());
    return std::string(token);
  }

  void Comment() {
    const bool help = Skip("# HELP ");
    Need(help || Skip("# TYPE "), "comment");
    const std::string name = Until(" ");
    Need(IsValidMetricName(name), "metric name");
    Need(Skip(" "), "space after name");
    Enter(name);
    if (!error_.empty()) return;
    Family& family = families_[name];
    if (help) {
      Need(!family.has_help, "second HELP");
      Need(!family.has_samples, "HELP after samples");
      family.has_help = true;
      Need(IsValidUtf8(rest_), "HELP is not UTF-8");
      for (size_t i = 0; i < rest_.size(); ++i) {
        if (rest_[i] != '\\') continue;
        ++i;
        Need(i < rest_.size() && (rest_[i] == '\\' || rest_[i] == 'n'), "escape in HELP");
      }
      return;
    }
    static const std::set<std::string_view> kTypes = {"counter", "gauge", "histogram", "summary",
                                                      "untyped"};
    Need(kTypes.count(rest_) == 1, "type");
    Need(!family.has_type && !family.has_samples, "second TYPE, or TYPE after samples");
    family.has_type = true;
    family.type = rest_;
  }

  // A family's lines stand together.
  void Enter(const std::string& name) {
    if (name == current_) return;
    Need(families_.count(name) == 0, "family came apart");
    current_ = name;
    families_[name];
  }

  static std::string Without(const std::string& name, std::string_view suffix) {
    return name.ends_with(suffix) ? name.substr(0, name.size() - suffix.size()) : std::string();
  }

  std::string FamilyOf(const std::string& sample) {
    if (families_.count(sample) != 0) return sample;
    for (const std::string_view suffix : {"_bucket", "_sum", "_count"}) {
      const auto found = families_.find(Without(sample, suffix));
      if (found == families_.end()) continue;
      const std::string& type = found->second.type;
      if (type == "histogram" || (type == "summary" && suffix != "_bucket")) return found->first;
    }
    return sample;
  }

  void Sample() {
    const std::string sample = Until("{ \t");
    Need(IsValidMetricName(sample), "metric name");
    const Labels labels = ReadLabels();
    rest_ = rest_.substr(std::min(rest_.find_first_not_of(" \t"), rest_.size()));
    Need(IsNumber(std::string(rest_)), "value (or something after it)");
    const std::string name = FamilyOf(sample);
    Enter(name);
    if (!error_.empty()) return;
    Family& family = families_[name];
    family.has_samples = true;
    CheckLabels(sample, name, family, labels);
  }

  Labels ReadLabels() {
    Labels labels;
    rest_ = rest_.substr(std::min(rest_.find_first_not_of(" \t"), rest_.size()));
    if (!Skip("{")) return labels;
    while (error_.empty()) {
      SkipBlanks();
      if (Skip("}")) return labels;
      const std::string name = Until("= \t");
      Need(IsValidLabelName(name) && !name.starts_with("__"), "label name");
      SkipBlanks();
      Need(Skip("="), "=");
      SkipBlanks();
      Need(Skip("\""), "quote");
      labels.emplace_back(name, ReadValue());
      SkipBlanks();
      if (Skip("}")) return labels;
      Need(Skip(","), "comma");
    }
    return labels;
  }

  void SkipBlanks() {
    while (Skip(" ") || Skip("\t")) {
    }
  }

  std::string ReadValue() {
    std::string value;
    while (!rest_.empty() && rest_[0] != '"') {
      char c = rest_[0];
      rest_.remove_prefix(1);
      if (c == '\\') {
        Need(!rest_.empty() && (rest_[0] == '\\' || rest_[0] == '"' || rest_[0] == 'n'), "escape");
        if (!error_.empty()) return value;
        c = rest_[0] == 'n' ? '\n' : rest_[0];
        rest_.remove_prefix(1);
      }
      value.push_back(c);
    }
    Need(Skip("\""), "closing quote");
    Need(IsValidUtf8(value), "label value is not UTF-8");
    return value;
  }

  static bool IsNumber(const std::string& text) {
    const size_t sign = text.starts_with('+') || text.starts_with('-') ? 1 : 0;
    const std::string word = text.substr(sign);
    if (EqualsIgnoreCase(word, "inf") || EqualsIgnoreCase(word, "infinity")) return true;
    if (EqualsIgnoreCase(text, "nan")) return true;
    if (text.empty() || text.find_first_not_of("0123456789+-.eE") != std::string::npos)
      return false;
    char* end = nullptr;
    const double value = std::strtod(text.c_str(), &end);
    return *end == '\0' && std::isfinite(value);
  }

  void CheckLabels(const std::string& sample, const std::string& name, const Family& family,
                   Labels labels) {
    std::string number_label;
    if (family.type == "histogram") {
      Need(sample != name, "sample of a histogram without suffix");
      if (sample == name + "_bucket") number_label = "le";
    } else if (family.type == "summary" && sample == name) {
      number_label = "quantile";
    }
    bool has_number = number_label.empty();
    std::set<std::string> names;
    for (const auto& [label, value] : labels) {
      Need(names.insert(label).second, "label name twice");
      Need(label != "job" && label != "instance", "label of the grouping key");
      if (label != number_label) continue;
      has_number = IsNumber(value) && !EqualsIgnoreCase(value, "nan");
    }
    Need(has_number, "le or quantile");
    labels.erase(std::remove_if(labels.begin(), labels.end(),
                                [](const auto& label) { return label.second.empty(); }),
                 labels.end());
    std::sort(labels.begin(), labels.end());
    Need(series_.insert({sample, labels}).second, "duplicate series");
  }

  void CheckSuffixes(const std::string& name, const Family& family) {
    const bool histogram = family.type == "histogram";
    if (!histogram && family.type != "summary") return;
    for (const std::string_view suffix : {"_bucket", "_sum", "_count"}) {
      if (!histogram && suffix == "_bucket") continue;
      Need(families_.count(name + std::string(suffix)) == 0, "two families claim a name: " + name);
    }
  }

  std::string_view rest_;
  std::string error_;
  std::string current_;
  std::map<std::string, Family> families_;
  std::set<std::pair<std::string, Labels>> series_;
};

}  // namespace promplug::testing
