// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "matcher/event/record.h"
#include "matcher/output.h"

namespace faultline {

// The record of one journal entry in the topic internal.markers. Key: "topic/partition" of the
// source, so that all entries of a source lie in one partition, in order. Value: one line of JSON
// with its version, `{"v":1,"kind":"substitution",...}`.
[[nodiscard]] std::string JournalKey(const SourceName& source);
[[nodiscard]] std::string EncodeJournal(const JournalEntry& entry);

// Errors: Fault::kData for what is no journal entry or of a version that this build does not know.
[[nodiscard]] Result<JournalEntry> DecodeJournal(std::string_view value);

}  // namespace faultline
