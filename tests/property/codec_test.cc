// SPDX-License-Identifier: Apache-2.0
//
// What is stored is read back as it was, for any value: positions in commit metadata, journal
// entries.
#include <gtest/gtest.h>

#include <rapidcheck/gtest.h>

#include "consumer/position_codec.h"
#include "matcher/journal_codec.h"

namespace faultline {
namespace {

SourceName AnySource() {
  const auto letters = rc::gen::container<std::string>(rc::gen::inRange<char>(0x20, 0x7f));
  return {*letters, *rc::gen::inRange(0, 1 << 20)};
}

OrderPoint AnyPoint() {
  const EventTime time = EventTime::Raw(*rc::gen::arbitrary<std::int64_t>());
  switch (*rc::gen::inRange(0, 3)) {
    case 0: return OrderPoint::Before(time);
    case 1: return OrderPoint::Behind(time);
    default: break;
  }
  return OrderPoint::At(time,
                        {AnySource(), *rc::gen::inRange<std::int64_t>(0, 1LL << 62),
                         *rc::gen::arbitrary<std::uint32_t>()},
                        *rc::gen::arbitrary<std::uint32_t>());
}

RC_GTEST_PROP(PositionCodec, ReadsBackWhatItWrote, ()) {
  SourcePosition position;
  position.source = AnySource();
  position.committed = *rc::gen::inRange<std::int64_t>(0, 1LL << 62);
  position.position = position.committed + *rc::gen::inRange<std::int64_t>(0, 1LL << 40);
  if (*rc::gen::arbitrary<bool>()) {
    position.highest = EventTime::Raw(*rc::gen::arbitrary<std::int64_t>());
  }
  position.idle = *rc::gen::arbitrary<bool>();
  position.frontier = AnyPoint();
  position.journal_from = *rc::gen::inRange<std::int64_t>(0, 1LL << 62);
  const std::string stored = EncodePosition(position);
  RC_ASSERT(stored.size() <= kMaxMetadataBytes);
  const auto read = DecodePosition(position.source, position.committed, stored);
  RC_ASSERT(read.has_value());
  RC_ASSERT(*read == position);
}

RC_GTEST_PROP(JournalCodec, ReadsBackWhatItWrote, ()) {
  JournalEntry entry;
  entry.source = AnySource();
  entry.offset = *rc::gen::inRange<std::int64_t>(0, 1LL << 62);
  if (*rc::gen::arbitrary<bool>()) {
    entry.index = *rc::gen::arbitrary<std::uint32_t>();
    entry.time = EventTime::Raw(*rc::gen::arbitrary<std::int64_t>());
  } else {
    entry.kind = JournalEntry::Kind::kReturn;
    entry.domain = *rc::gen::element<std::string>("all", "", "a \"b\" \\ c");
    entry.frontier = AnyPoint();
  }
  const auto read = DecodeJournal(EncodeJournal(entry));
  RC_ASSERT(read.has_value());
  RC_ASSERT(*read == entry);
}

}  // namespace
}  // namespace faultline
