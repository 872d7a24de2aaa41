// SPDX-License-Identifier: Apache-2.0
#include "app/libraries.h"

#include <fmt/format.h>
#include <CLI/Version.hpp>

#include "app/version.h"
#include "kafka/properties.h"

namespace faultline::app {

std::vector<std::pair<std::string, std::string>> LibraryVersions() {
  return {{"librdkafka", kafka::LibraryVersion()},
          {"simdjson", kSimdjsonVersion},
          {"hyperscan", kHyperscanVersion},
          {"pcre2", kPcre2Version},
          {"libmicrohttpd", kMicrohttpdVersion},
          {"libyaml", kYamlVersion},
          {"zstd", kZstdVersion},
          {"lz4", kLz4Version},
          {"xxhash", kXxhashVersion},
          {"jemalloc", kJemallocVersion},
          {"cli11", CLI11_VERSION},
          {"fmt", fmt::format("{}.{}.{}", FMT_VERSION / 10000, FMT_VERSION / 100 % 100,
                              FMT_VERSION % 100)},
          {"compiler", kCompiler}};
}

}  // namespace faultline::app
