// SPDX-License-Identifier: Apache-2.0
#include "consumer/byte_stream.h"

#include <cstdlib>

#include <lz4frame.h>
#include <zstd.h>

#include "tests/unit/consumer/support.h"

namespace faultline {
namespace {

using testing::TempDir;

// Text that compresses, and is longer than any buffer.
std::string LongText() {
  std::string text;
  for (int line = 0; text.size() < 3000000; ++line) {
    text += "line " + std::to_string(line * 7919) + "\n";
  }
  return text;
}

std::string Zstd(const std::string& text) {
  std::string out(ZSTD_compressBound(text.size()), '\0');
  out.resize(ZSTD_compress(out.data(), out.size(), text.data(), text.size(), 1));
  return out;
}

std::string Lz4(const std::string& text) {
  LZ4F_preferences_t preferences = LZ4F_INIT_PREFERENCES;
  preferences.frameInfo.contentChecksumFlag = LZ4F_contentChecksumEnabled;
  std::string out(LZ4F_compressFrameBound(text.size(), &preferences), '\0');
  out.resize(LZ4F_compressFrame(out.data(), out.size(), text.data(), text.size(), &preferences));
  return out;
}

// By the gzip program: an independent writer.
std::string Gzip(const std::string& text) {
  const TempDir dir;
  const std::string path = dir.Write("plain", text);
  EXPECT_EQ(std::system(("gzip -n " + path).c_str()), 0);
  std::ifstream in(path + ".gz", std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

struct Codec {
  const char* end;
  std::string (*pack)(const std::string&);
};
const Codec kCodecs[] = {{".zst", Zstd}, {".lz4", Lz4}, {".gz", Gzip}};

struct Given {
  std::string bytes;
  std::optional<Error> error;
  std::uint64_t read = 0;
};

Given ReadWith(const std::string& path, std::size_t buffer) {
  Given given;
  auto stream = OpenByteStream(path);
  EXPECT_TRUE(stream);
  std::string chunk(buffer, '\0');
  for (;;) {
    const auto got = (*stream)->Read(chunk);
    if (!got) given.error = got.error();
    if (!got || *got == 0) break;
    given.bytes.append(chunk, 0, *got);
  }
  given.read = (*stream)->bytes_read();
  return given;
}

TEST(ByteStream, GivesEveryCodecsBytesBack) {
  const TempDir dir;
  const std::string text = LongText();
  for (const Codec& codec : kCodecs) {
    const std::string packed = codec.pack(text);
    const std::string path = dir.Write(std::string("f") + codec.end, packed);
    for (const std::size_t buffer : {std::size_t{1000}, std::size_t{4000000}}) {
      const Given given = ReadWith(path, buffer);
      EXPECT_FALSE(given.error) << codec.end << given.error->ToString();
      EXPECT_TRUE(given.bytes == text) << codec.end;
      EXPECT_EQ(given.read, packed.size()) << codec.end;
    }
  }
}

TEST(ByteStream, ReadsConcatenatedFiles) {
  const TempDir dir;
  for (const Codec& codec : kCodecs) {
    const std::string path =
        dir.Write(std::string("f") + codec.end, codec.pack("one\n") + codec.pack("two\n"));
    const Given given = ReadWith(path, 100);
    EXPECT_FALSE(given.error) << codec.end << given.error->ToString();
    EXPECT_EQ(given.bytes, "one\ntwo\n") << codec.end;
  }
}

TEST(ByteStream, TruncationIsAnErrorAfterTheGoodPart) {
  const TempDir dir;
  const std::string text = LongText();
  for (const Codec& codec : kCodecs) {
    std::string packed = codec.pack(text);
    packed.resize(packed.size() / 2);
    const Given given = ReadWith(dir.Write(std::string("f") + codec.end, packed), 65536);
    ASSERT_TRUE(given.error) << codec.end;
    EXPECT_EQ(given.error->fault, Fault::kData);
    EXPECT_NE(given.error->message.find(std::to_string(packed.size())), std::string::npos)
        << given.error->ToString();
    EXPECT_GT(given.bytes.size(), text.size() / 4) << codec.end;
    EXPECT_TRUE(text.starts_with(given.bytes)) << codec.end;
  }
}

TEST(ByteStream, DamageIsAnErrorAndNeverMoreThanTheGoodPart) {
  const TempDir dir;
  for (const Codec& codec : kCodecs) {
    const Given given = ReadWith(dir.Write(std::string("f") + codec.end, "no such format"), 100);
    ASSERT_TRUE(given.error) << codec.end;
    EXPECT_EQ(given.error->fault, Fault::kData);
    EXPECT_EQ(given.bytes, "");
  }
}

TEST(ByteStream, AFileThatIsNotThereIsAnIoError) {
  const auto stream = OpenByteStream("/nonexistent/x.ndjson");
  ASSERT_FALSE(stream);
  EXPECT_EQ(stream.error().fault, Fault::kIo);
  EXPECT_EQ(stream.error().place.file, "/nonexistent/x.ndjson");
}

TEST(ByteStream, AFolderIsAnIoError) {
  const auto stream = OpenByteStream("/tmp");
  ASSERT_FALSE(stream);
  EXPECT_EQ(stream.error().fault, Fault::kIo);
}

}  // namespace
}  // namespace faultline
