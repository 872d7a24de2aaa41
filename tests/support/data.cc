// SPDX-License-Identifier: Apache-2.0
#include "tests/support/data.h"

#include <cstdlib>
#include <fstream>
#include <sstream>

namespace faultline::testing {

std::filesystem::path SourceDir() { return FAULTLINE_SOURCE_DIR; }

std::optional<std::filesystem::path> TestData(std::string_view relative) {
  const char* named = std::getenv("FAULTLINE_TEST_DATA");
  std::filesystem::path root = named != nullptr ? std::filesystem::path(named)
                                                : SourceDir().parent_path() / "shared" / "data";
  root /= relative;
  if (!std::filesystem::exists(root)) return std::nullopt;
  return root;
}

bool DataRequired() {
  const char* required = std::getenv("FAULTLINE_REQUIRE_DATA");
  return required != nullptr && std::string_view(required) == "1";
}

std::string ReadFile(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  EXPECT_TRUE(in.good()) << "cannot read " << path;
  std::ostringstream text;
  text << in.rdbuf();
  return text.str();
}

}  // namespace faultline::testing
