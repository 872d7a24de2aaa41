// SPDX-License-Identifier: Apache-2.0
// Runs a fuzz target over files: replay [--lines] [--data FOLDER]... PATH...
//
// A folder stands for the files below it. --data names a file or folder of the public test data,
// left out where it is absent; with --lines, each line of such a file is an input of its own.
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <string_view>

#include "tests/support/data.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace {

namespace fs = std::filesystem;

void Run(std::string_view input) {
  LLVMFuzzerTestOneInput(reinterpret_cast<const std::uint8_t*>(input.data()), input.size());
}

std::size_t RunFile(const fs::path& path, bool lines) {
  std::ifstream in(path, std::ios::binary);
  const std::string text{std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
  if (in.bad() || !in.is_open()) {
    std::fprintf(stderr, "cannot read %s\n", path.c_str());
    std::exit(1);
  }
  if (!lines) return Run(text), 1;
  std::size_t count = 0;
  for (std::size_t from = 0; from < text.size(); ++count) {
    const std::size_t end = std::min(text.find('\n', from), text.size());
    Run(std::string_view(text).substr(from, end - from));
    from = end + 1;
  }
  return count;
}

std::size_t RunPath(const fs::path& path, bool lines) {
  if (!fs::is_directory(path)) return RunFile(path, lines);
  std::size_t count = 0;
  for (const auto& entry : fs::recursive_directory_iterator(path)) {
    if (entry.is_regular_file()) count += RunFile(entry.path(), lines);
  }
  return count;
}

}  // namespace

int main(int argc, char** argv) {
  std::size_t inputs = 0;
  bool lines = false;
  for (int i = 1; i < argc; ++i) {
    const std::string_view argument = argv[i];
    if (argument == "--lines") {
      lines = true;
    } else if (argument == "--data" && i + 1 < argc) {
      const char* const wanted = argv[++i];
      const auto found = faultline::testing::TestData(wanted);
      if (!found && faultline::testing::DataRequired()) {
        std::fprintf(stderr, "test data missing: %s\n", wanted);
        return 1;
      }
      if (found) inputs += RunPath(*found, lines);
    } else {
      inputs += RunPath(argv[i], false);
    }
  }
  std::printf("%zu inputs\n", inputs);
  return inputs > 0 ? 0 : 1;
}
