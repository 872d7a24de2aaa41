// SPDX-License-Identifier: Apache-2.0
// The walker against simdjson's DOM: verdict, values, leaves. Then in every shape: the same
// verdict, and values that can be read to their last byte; those that the shape's last steps did
// not make lie in the payload.
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>
#include <utility>

#include "matcher/event/text.h"
#include "matcher/event/walker.h"
#include "matcher/shapes/shape_file.h"
#include "tests/unit/event/dom_oracle.h"

namespace {

using faultline::Event;
using faultline::FieldTable;
using faultline::RawValue;
using faultline::Shape;
using faultline::Walker;
using faultline::WalkFault;

constexpr std::string_view kNames[] = {
    "EventID", "Channel",     "Provider_Name", "Computer", "Message",      "Data",
    "Image",   "CommandLine", "Hashes",        "User",     "TargetObject", "a.b",
    "a",       "Details",     "EventType",     "Imphash",  "TimeCreated"};

const FieldTable& Table() {
  static const FieldTable table = [] {
    FieldTable::Builder builder(faultline::BuiltInShapes().get());
    for (const std::string_view name : kNames) builder.Add(name);
    return std::move(builder).Build();
  }();
  return table;
}

void Look(const RawValue& value, std::string_view payload, bool may_be_made) {
  const std::string copy(value.raw);
  const char* const first = value.raw.data();
  if (!may_be_made && !copy.empty() &&
      (first < payload.data() || first + value.raw.size() > payload.data() + payload.size())) {
    std::abort();
  }
  std::string buffer;
  static_cast<void>(faultline::Decode(value, buffer));
}

WalkFault Walk(Shape shape, std::string_view payload) {
  static Walker walker(&Table());
  Walker::Options options;
  options.shape = shape;
  const WalkFault fault = walker.Begin(payload, options);
  if (fault != WalkFault::kNone) return fault;
  while (const Event* event = walker.Next()) {
    const bool made = event->shape() == Shape::kWazuh || event->shape() == Shape::kWinlogbeat;
    for (const std::string_view name : kNames) {
      for (const RawValue& value : event->Of(Table().Find(name))) Look(value, payload, made);
    }
    for (const RawValue& value : event->leaves()) Look(value, payload, false);
  }
  return fault;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view payload(reinterpret_cast<const char*>(data), size);
  const std::string difference = faultline::testing::DisagreementWithDom(payload);
  if (!difference.empty()) {
    std::fprintf(stderr, "%s\n", difference.c_str());
    std::abort();
  }
  const WalkFault verdict = Walk(Shape::kAuto, payload);
  for (std::size_t i = 0; i < faultline::kConcreteShapes; ++i) {
    if (Walk(static_cast<Shape>(i), payload) != verdict) std::abort();
  }
  return 0;
}
