// SPDX-License-Identifier: MIT
// What the encoders write of random families, read back by readers that are not ours.
#include <gtest/gtest.h>
#include <sys/wait.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#include "exposition/stream.hpp"
#include "unit/exposition/random_families.hpp"

namespace promplug {
namespace {

class Readers : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string folder = std::filesystem::temp_directory_path() / "promplug_readers_XXXXXX";
    ASSERT_NE(mkdtemp(folder.data()), nullptr);
    folder_ = folder;
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  void Write(Format format) const {
    testing::RandomFamilies families(20240229, format);
    for (int i = 0; i < 400; ++i) families.AddFamily(i);
    std::ofstream exposition(Path("exposition"), std::ios::binary);
    const auto stream = NewExpositionStream(families.TakeGathering(), format, Timestamps::kKeep);
    for (auto piece = stream->Next(); !piece.empty(); piece = stream->Next()) exposition << piece;
    std::ofstream(Path("expected"), std::ios::binary) << families.expected();
  }

  // Whether python3-prometheus-client finds what went in; else what it says.
  ::testing::AssertionResult PythonAgrees(const std::string& format) const {
    const std::string script = PROMPLUG_TEST_DATA "/../unit/exposition/read_exposition.py";
    std::string said;
    const int code = Run("/usr/bin/python3 '" + script + "' " + format + " " + Path("exposition") +
                             " " + Path("expected"),
                         &said);
    return code == 0 ? ::testing::AssertionSuccess() : ::testing::AssertionFailure() << said;
  }

  std::string Path(const char* name) const { return (folder_ / name).string(); }

  // The exit code; *said is what the command wrote.
  int Run(const std::string& command, std::string* said) const {
    const int status = std::system((command + " >" + Path("said") + " 2>&1").c_str());
    std::ifstream file(Path("said"));
    *said = {std::istreambuf_iterator<char>(file), {}};
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  }

  std::filesystem::path folder_;
};

TEST_F(Readers, PythonClientFindsInTextExactlyWhatWentIn) {
  Write(Format::kText004);
  EXPECT_TRUE(PythonAgrees("text"));
}

TEST_F(Readers, PythonClientFindsInOpenMetricsExactlyWhatWentIn) {
  Write(Format::kOpenMetrics);
  EXPECT_TRUE(PythonAgrees("openmetrics"));
}

TEST_F(Readers, PromtoolTakesItsSyntax) {
  Write(Format::kText004);
  constexpr int kOnlyStyleIsWrong = 3;
  std::string said;
  const int code = Run("promtool check metrics <" + Path("exposition"), &said);
  EXPECT_TRUE(code == 0 || code == kOnlyStyleIsWrong) << code << " " << said.substr(0, 1000);
  EXPECT_EQ(said.find("error while linting"), std::string::npos) << said.substr(0, 1000);
}

}  // namespace
}  // namespace promplug
