// SPDX-License-Identifier: Apache-2.0
// A bad rule gives exactly its message: a folder per case, rule.yml and message.txt. With
// FAULTLINE_UPDATE_GOLDEN=1 the messages are written anew: read the diff.
#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "app/commands/common.h"
#include "app/terminal.h"
#include "tests/support/data.h"

namespace faultline::app {
namespace {

namespace fs = std::filesystem;

// All diagnostics of the rules in `folder`, as `check` prints them, the folder's name left out.
std::string MessagesOf(const fs::path& folder) {
  auto loaded = sigma::LoadRules({(folder / "rule.yml").string()});
  if (!loaded) return loaded.error().ToString();
  const auto rules = RuleSet::Compile(std::move(*loaded), CompileOptions(Config{}));
  if (!rules) return rules.error().ToString();
  std::string text;
  for (const Error& error : (*rules)->errors()) text += Diagnostic(error, "error", false);
  const std::string prefix = folder.string() + "/";
  for (std::size_t at = text.find(prefix); at != std::string::npos; at = text.find(prefix)) {
    text.erase(at, prefix.size());
  }
  return text;
}

bool Update() {
  const char* const asked =
      std::getenv("FAULTLINE_UPDATE_GOLDEN");  // NOLINT(concurrency-mt-unsafe)
  return asked != nullptr && std::string_view(asked) == "1";
}

TEST(BadRules, EachGivesExactlyItsMessage) {
  std::vector<fs::path> folders;
  for (const auto& entry : fs::directory_iterator(testing::SourceDir() / "tests/golden/rules")) {
    if (entry.is_directory()) folders.push_back(entry.path());
  }
  std::sort(folders.begin(), folders.end());
  ASSERT_GE(folders.size(), 12U);
  for (const fs::path& folder : folders) {
    SCOPED_TRACE(folder.filename().string());
    const std::string messages = MessagesOf(folder);
    EXPECT_FALSE(messages.empty());
    if (Update()) {
      std::ofstream(folder / "message.txt", std::ios::binary) << messages;
    } else {
      EXPECT_EQ(messages, testing::ReadFile(folder / "message.txt"));
    }
  }
}

}  // namespace
}  // namespace faultline::app
