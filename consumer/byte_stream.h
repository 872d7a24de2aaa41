// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "base/result.h"

namespace faultline {

// Gives the bytes of a file or of standard input, decompressed on the way.
//
// Place      file descriptor -> [ByteStream] -> FileSource. The name's end (.zst, .lz4, .gz) tells.
// Memory     One input buffer and the codec's window (zstd: at most 128 MiB), whatever the size.
// Threads    Confined to one thread.
// Errors     Fault::kIo for the file, Fault::kData for damaged or truncated compression, with the
//            compressed byte reached. All bytes before the damage were given first.
class ByteStream {
 public:
  virtual ~ByteStream() = default;

  // At least one byte into `out`, or 0 at the end.
  [[nodiscard]] virtual Result<std::size_t> Read(std::span<char> out) = 0;

  [[nodiscard]] virtual std::uint64_t bytes_read() const noexcept = 0;  // of the file, as stored
  [[nodiscard]] virtual std::uint64_t size() const noexcept = 0;        // 0: unknown (a pipe)
};

// `path` or, for "-", standard input (never compressed).
[[nodiscard]] Result<std::unique_ptr<ByteStream>> OpenByteStream(const std::string& path);

}  // namespace faultline
