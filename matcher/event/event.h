// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "matcher/event/escapes.h"
#include "matcher/event/fields.h"

namespace faultline {

enum class ValueKind : std::uint8_t {
  kString,
  kNumber,
  kTrue,
  kFalse,
  kNull,
  kObject,
  kEmptyArray
};

// One value as it stands in the payload.
struct RawValue {
  std::string_view raw;  // a string without its quotes, escapes in place; else the token
  ValueKind kind = ValueKind::kNull;

  [[nodiscard]] bool scalar() const noexcept {
    return kind < ValueKind::kNull;
  }  // string, number, boolean
};

// What is odd about an event that is evaluated all the same.
struct EventFlags {
  bool invalid_utf8 = false;
  bool duplicate_key = false;
  bool byte_order_mark = false;
  bool lone_surrogate = false;  // looked for only in strings that hold \u
  bool big_number = false;      // an integer beyond 64 bits, a number beyond a double
};

// An EVENT: the fields of one JSON object, found in place. Written by the Walker, read by everyone
// else.
//
// Ownership  Views into the record's payload; dies with the walker's next call.
// Threads    Confined to the walker's thread.
class Event {
  static constexpr std::uint32_t kEnd = 0xffffffff;

 public:
  // The values of one field: one for a scalar, one per element for an array (arrays of objects fan
  // out), all of them for duplicate keys.
  class Values {
   public:
    class Iterator {
     public:
      Iterator(const Event* event, std::uint32_t at) noexcept : event_(event), at_(at) {}
      const RawValue& operator*() const noexcept { return event_->slots_.data()[at_].value; }
      Iterator& operator++() noexcept {
        at_ = event_->slots_.data()[at_].next;
        return *this;
      }
      bool operator==(const Iterator& other) const noexcept { return at_ == other.at_; }
      bool operator!=(const Iterator& other) const noexcept { return at_ != other.at_; }

     private:
      const Event* event_;
      std::uint32_t at_;
    };

    Values() noexcept = default;  // of no event: absent
    Values(const Event* event, std::uint32_t first) noexcept : event_(event), first_(first) {}
    [[nodiscard]] Iterator begin() const noexcept { return {event_, first_}; }
    [[nodiscard]] Iterator end() const noexcept { return {event_, kEnd}; }
    [[nodiscard]] bool empty() const noexcept { return first_ == kEnd; }  // the key is absent

   private:
    const Event* event_ = nullptr;
    std::uint32_t first_ = kEnd;
  };

  // The field's values at its first present place; empty when absent everywhere. A text that holds
  // fields is read when one of them is first asked for, which moves values: references that an
  // iterator gave are good until the next call, ranges and iterators stay good.
  [[nodiscard]] Values Of(FieldId field) const noexcept {
    const FieldTable::CandidateList& list = candidates_.Of(field, shape_);
    if (list.outside != 0) {
      const Head& best = heads_.data()[list.best];
      if (best.epoch == epoch_) return {this, best.first};
    }
    const std::span<const NodeId> places(candidates_.nodes + list.begin, list.count);
    if (unread_ == nullptr) return Placed(places);
    const Values better = Placed(places.first(list.outside));
    if (!better.empty() || list.outside == list.count) return better;
    std::exchange(unread_, nullptr)->Read();
    return Placed(places);
  }
  // Every scalar leaf in document order, but for what the walker's options hide; found when first
  // asked for.
  [[nodiscard]] std::span<const RawValue> leaves() const;
  [[nodiscard]] Shape shape() const noexcept { return shape_; }
  [[nodiscard]] const EventFlags& flags() const noexcept { return flags_; }
  // What ASCII, folded, some text may hold that its bytes do not show: by an escape \u00.., or by a
  // code point beyond ASCII that folds to an ASCII letter.
  [[nodiscard]] const AsciiSet& hidden_ascii() const noexcept { return hidden_ascii_; }
  [[nodiscard]] std::string_view text() const noexcept { return text_; }  // the object's own bytes
  [[nodiscard]] std::uint32_t index() const noexcept { return index_; }   // in a split root array

 private:
  friend class Walker;
  // Reads the texts that hold fields.
  class TextReader {
   public:
    virtual void Read() noexcept = 0;

   protected:
    ~TextReader() = default;
  };
  struct Slot {
    RawValue value;
    NodeId node = kNoNode;  // where it was recorded
    std::uint32_t next = kEnd;
  };
  struct Head {
    std::uint32_t epoch = 0;  // valid when equal to the event's
    std::uint32_t first = kEnd;
    std::uint32_t last = kEnd;
    std::uint32_t object = 0;  // the walker's: the object that held this key last
  };

  [[nodiscard]] Values Placed(std::span<const NodeId> places) const noexcept {
    const Head* const heads = heads_.data();
    for (const NodeId node : places) {
      if (heads[node].epoch == epoch_) return {this, heads[node].first};
    }
    return {this, kEnd};
  }

  FieldTable::CandidateLists candidates_;  // of the FieldTable, which outlives the walker
  std::vector<Head> heads_;                // per node
  std::vector<Slot> slots_;                // this event's values; capacity is kept
  void FindLeaves() const;
  void FindLeavesNotHidden() const;
  void AddLeaf(const char* begin, const char* end) const;

  const std::vector<std::string>* hidden_ = nullptr;  // the walker's; null: all leaves are shown
  mutable std::vector<RawValue> leaves_;
  mutable bool leaves_known_ = false;
  mutable TextReader* unread_ = nullptr;        // the walker's; null where no text is left to read
  const char* payload_ = nullptr;               // what the structurals count from
  const std::uint32_t* structurals_ = nullptr;  // of this event
  const std::uint32_t* structurals_end_ = nullptr;
  std::string_view text_;
  std::uint32_t epoch_ = 0;
  std::uint32_t index_ = 0;
  Shape shape_ = Shape::kFlat;
  EventFlags flags_;
  AsciiSet hidden_ascii_;
};

}  // namespace faultline
