// SPDX-License-Identifier: Apache-2.0
#include "app/state_file.h"

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <memory>

#include <fmt/format.h>

namespace faultline::app {
namespace {

constexpr std::size_t kMostBytes = std::size_t{4} << 30;

using FilePtr = std::unique_ptr<std::FILE, int (*)(std::FILE*)>;

tl::unexpected<Error> Fails(const char* what, const std::string& path) {
  return Fail(Fault::kIo, fmt::format("cannot {} the file: {}", what, std::strerror(errno)),
              Place{path, 0, 0});
}

}  // namespace

Result<std::string> ReadStateFile(const std::string& path) {
  const FilePtr file(std::fopen(path.c_str(), "rb"), std::fclose);
  if (!file) return Fails("read", path);
  std::string bytes;
  std::array<char, 65536> piece{};
  while (const std::size_t got = std::fread(piece.data(), 1, piece.size(), file.get())) {
    bytes.append(piece.data(), got);
    if (bytes.size() > kMostBytes) {
      return Fail(Fault::kData, "this is no state of faultline: it is too large",
                  Place{path, 0, 0});
    }
  }
  if (std::ferror(file.get()) != 0) return Fails("read", path);
  return bytes;
}

Result<void> WriteStateFile(const std::string& path, std::string_view bytes) {
  const std::string fresh = path + ".new";
  FilePtr file(std::fopen(fresh.c_str(), "wb"), std::fclose);
  if (!file) return Fails("write", fresh);
  const bool written = std::fwrite(bytes.data(), 1, bytes.size(), file.get()) == bytes.size() &&
                       std::fclose(file.release()) == 0;
  if (!written) return Fails("write", fresh);
  if (std::rename(fresh.c_str(), path.c_str()) != 0) return Fails("write", path);
  return {};
}

}  // namespace faultline::app
