// SPDX-License-Identifier: Apache-2.0
#include "consumer/byte_stream.h"

#include <fcntl.h>
#include <isa-l/igzip_lib.h>
#include <lz4frame.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zstd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <string_view>
#include <utility>
#include <vector>

#include <fmt/format.h>

namespace faultline {
namespace {

constexpr std::size_t kInputBytes = 256 * 1024;
constexpr int kZstdWindowLog = 27;  // 128 MiB, what the zstd program accepts unasked

// A file descriptor that is closed unless it is standard input.
class Descriptor {
 public:
  explicit Descriptor(int fd) noexcept : fd_(fd) {}
  Descriptor(Descriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Descriptor& operator=(Descriptor&&) = delete;
  ~Descriptor() {
    if (fd_ > STDIN_FILENO) ::close(fd_);
  }
  [[nodiscard]] int get() const noexcept { return fd_; }

 private:
  int fd_;
};

// The bytes as stored; the codecs below read from it.
class PlainStream final : public ByteStream {
 public:
  PlainStream(std::string path, Descriptor fd, std::uint64_t size)
      : path_(std::move(path)), fd_(std::move(fd)), size_(size) {}

  Result<std::size_t> Read(std::span<char> out) override {
    for (;;) {
      const ssize_t got = ::read(fd_.get(), out.data(), out.size());
      if (got >= 0) {
        read_ += static_cast<std::uint64_t>(got);
        return static_cast<std::size_t>(got);
      }
      if (errno == EINTR) continue;
      return Fail(Fault::kIo, fmt::format("cannot read: {}", std::strerror(errno)),
                  Place{path_, 0, 0});
    }
  }
  std::uint64_t bytes_read() const noexcept override { return read_; }
  std::uint64_t size() const noexcept override { return size_; }
  [[nodiscard]] const std::string& path() const noexcept { return path_; }

 private:
  std::string path_;
  Descriptor fd_;
  std::uint64_t size_;
  std::uint64_t read_ = 0;
};

// What every codec needs: a buffer of stored bytes and words for damage.
class CodecStream : public ByteStream {
 public:
  explicit CodecStream(std::unique_ptr<PlainStream> stored)
      : stored_(std::move(stored)), input_(kInputBytes) {}
  std::uint64_t bytes_read() const noexcept override { return stored_->bytes_read() - left(); }
  std::uint64_t size() const noexcept override { return stored_->size(); }

 protected:
  [[nodiscard]] const char* next() const noexcept { return input_.data() + at_; }
  [[nodiscard]] std::size_t left() const noexcept { return end_ - at_; }
  void Skip(std::size_t bytes) noexcept { at_ += bytes; }

  // Refills an empty buffer; false at the stored end.
  [[nodiscard]] Result<bool> Fill() {
    if (left() > 0) return true;
    auto got = stored_->Read(input_);
    if (!got) return tl::make_unexpected(std::move(got).error());
    at_ = 0;
    end_ = *got;
    return end_ > 0;
  }
  [[nodiscard]] tl::unexpected<Error> Truncated() const {
    return Fail(Fault::kData,
                fmt::format("compressed file ends too early, at byte {}", bytes_read()),
                Place{stored_->path(), 0, 0}, "fetch or compress it again");
  }
  [[nodiscard]] tl::unexpected<Error> Damaged(std::string_view why) const {
    return Fail(Fault::kData,
                fmt::format("compressed file is damaged near byte {}: {}", bytes_read(), why),
                Place{stored_->path(), 0, 0}, "fetch or compress it again");
  }

 private:
  std::unique_ptr<PlainStream> stored_;
  std::vector<char> input_;
  std::size_t at_ = 0;   // next stored byte in input_
  std::size_t end_ = 0;  // behind the last one
};

class ZstdStream final : public CodecStream {
 public:
  explicit ZstdStream(std::unique_ptr<PlainStream> stored)
      : CodecStream(std::move(stored)), codec_(ZSTD_createDStream()) {
    ZSTD_DCtx_setParameter(codec_.get(), ZSTD_d_windowLogMax, kZstdWindowLog);
  }

  Result<std::size_t> Read(std::span<char> out) override {
    ZSTD_outBuffer to{out.data(), out.size(), 0};
    for (;;) {
      auto more = Fill();
      if (!more) return tl::make_unexpected(std::move(more).error());
      if (!*more && between_frames_) return 0;
      ZSTD_inBuffer from{next(), left(), 0};
      const std::size_t rest = ZSTD_decompressStream(codec_.get(), &to, &from);
      Skip(from.pos);
      if (ZSTD_isError(rest) != 0) return Damaged(ZSTD_getErrorName(rest));
      if (from.pos > 0 || to.pos > 0) between_frames_ = rest == 0;
      if (to.pos > 0) return to.pos;
      if (!*more) return Truncated();
    }
  }

 private:
  struct Free {
    void operator()(ZSTD_DStream* codec) const noexcept { ZSTD_freeDStream(codec); }
  };
  std::unique_ptr<ZSTD_DStream, Free> codec_;
  bool between_frames_ =
      false;  // a frame was complete: the file may end here; an empty file is none
};

class Lz4Stream final : public CodecStream {
 public:
  explicit Lz4Stream(std::unique_ptr<PlainStream> stored) : CodecStream(std::move(stored)) {
    LZ4F_dctx* codec = nullptr;
    LZ4F_createDecompressionContext(&codec, LZ4F_VERSION);
    codec_.reset(codec);
  }

  Result<std::size_t> Read(std::span<char> out) override {
    for (;;) {
      auto more = Fill();
      if (!more) return tl::make_unexpected(std::move(more).error());
      if (!*more && between_frames_) return 0;
      std::size_t given = out.size();
      std::size_t taken = left();
      const std::size_t rest =
          LZ4F_decompress(codec_.get(), out.data(), &given, next(), &taken, nullptr);
      Skip(taken);
      if (LZ4F_isError(rest) != 0) return Damaged(LZ4F_getErrorName(rest));
      if (taken > 0 || given > 0) between_frames_ = rest == 0;
      if (given > 0) return given;
      if (!*more) return Truncated();
    }
  }

 private:
  struct Free {
    void operator()(LZ4F_dctx* codec) const noexcept { LZ4F_freeDecompressionContext(codec); }
  };
  std::unique_ptr<LZ4F_dctx, Free> codec_;
  bool between_frames_ = false;
};

class GzipStream final : public CodecStream {
 public:
  explicit GzipStream(std::unique_ptr<PlainStream> stored)
      : CodecStream(std::move(stored)), codec_(std::make_unique<inflate_state>()) {
    StartMember();
  }

  Result<std::size_t> Read(std::span<char> out) override {
    for (;;) {
      if (pending_ < 0) return Damaged("invalid gzip data");
      auto more = Fill();
      if (!more) return tl::make_unexpected(std::move(more).error());
      if (codec_->block_state == ISAL_BLOCK_FINISH) {
        if (!*more) return 0;
        StartMember();  // a gzip file may hold several members
      }
      const std::size_t before = left();
      codec_->next_in = reinterpret_cast<std::uint8_t*>(const_cast<char*>(next()));
      codec_->avail_in = static_cast<std::uint32_t>(before);
      codec_->next_out = reinterpret_cast<std::uint8_t*>(out.data());
      codec_->avail_out =
          static_cast<std::uint32_t>(std::min<std::size_t>(out.size(), kInputBytes * 4));
      const std::uint32_t room = codec_->avail_out;
      const int result = isal_inflate(codec_.get());
      Skip(before - codec_->avail_in);
      pending_ = result;
      // What was decoded before a damage is given first.
      if (const std::size_t given = room - codec_->avail_out; given > 0) return given;
      if (result >= 0 && !*more && codec_->block_state != ISAL_BLOCK_FINISH) return Truncated();
    }
  }

 private:
  void StartMember() {
    isal_inflate_init(codec_.get());
    codec_->crc_flag = ISAL_GZIP;
  }

  std::unique_ptr<inflate_state> codec_;
  int pending_ = 0;  // the codec's last verdict; below 0: damage
};

bool EndsIn(std::string_view text, std::string_view end) noexcept {
  return text.size() >= end.size() && text.substr(text.size() - end.size()) == end;
}

Result<std::unique_ptr<PlainStream>> OpenPlain(const std::string& path) {
  if (path == "-") return std::make_unique<PlainStream>(path, Descriptor(STDIN_FILENO), 0);
  Descriptor fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (fd.get() < 0) {
    return Fail(Fault::kIo, fmt::format("cannot open: {}", std::strerror(errno)),
                Place{path, 0, 0});
  }
  struct stat status = {};
  if (::fstat(fd.get(), &status) != 0 || S_ISDIR(status.st_mode)) {
    return Fail(Fault::kIo, "is a folder, not a file", Place{path, 0, 0}, "name its files");
  }
  const std::uint64_t size =
      S_ISREG(status.st_mode) ? static_cast<std::uint64_t>(status.st_size) : 0;
  if (size > 0) ::posix_fadvise(fd.get(), 0, 0, POSIX_FADV_SEQUENTIAL);
  return std::make_unique<PlainStream>(path, std::move(fd), size);
}

}  // namespace

Result<std::unique_ptr<ByteStream>> OpenByteStream(const std::string& path) {
  auto plain = OpenPlain(path);
  if (!plain) return tl::make_unexpected(std::move(plain).error());
  if (EndsIn(path, ".zst")) return std::make_unique<ZstdStream>(std::move(*plain));
  if (EndsIn(path, ".lz4")) return std::make_unique<Lz4Stream>(std::move(*plain));
  if (EndsIn(path, ".gz")) return std::make_unique<GzipStream>(std::move(*plain));
  return std::unique_ptr<ByteStream>(std::move(*plain));
}

}  // namespace faultline
