// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include <tl/expected.hpp>

namespace faultline {

// What kind of failure an Error is; app/ maps it to the exit code of the contract.
enum class Fault : std::uint8_t {
  kUsage,    // 64: the command line
  kConfig,   // 78: configuration, topics that do not exist
  kRules,    // 2: rules, packs, lookups
  kBroker,   // 69: Kafka cannot be reached or refuses
  kIo,       // 74: files and sockets
  kData,     // a record or an input file is damaged
  kInternal  // our own mistake; still reported, never thrown
};

// Where in a text a fault lies. Lines and columns count from 1 (columns in bytes); 0 = unknown.
struct Place {
  std::string file;
  int line = 0;
  int column = 0;
};

// "file:line:column", leaving out what is unknown; empty for an unknown place.
[[nodiscard]] std::string ToString(const Place& place);

// A failure as a person needs it: where, what is wrong, what to do.
//
// Ownership  A value; keeps no view of anything.
struct Error {
  Fault fault = Fault::kInternal;
  std::string message;  // what is wrong, lower case, no full stop
  Place place;
  std::string remedy;  // what to do; may be empty

  // "place: message; remedy" on one line.
  [[nodiscard]] std::string ToString() const;
};

template <class T>
using Result = tl::expected<T, Error>;

[[nodiscard]] inline tl::unexpected<Error> Fail(Fault fault, std::string message, Place place = {},
                                                std::string remedy = {}) {
  return tl::unexpected<Error>(
      Error{fault, std::move(message), std::move(place), std::move(remedy)});
}

}  // namespace faultline
