// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <map>
#include <string>
#include <vector>

#include "base/result.h"
#include "kafka/properties.h"
#include "matcher/event/record.h"
#include "matcher/output.h"

namespace faultline {

// All that clocks decided, by source, each in the order written.
using Journal = std::map<SourceName, std::vector<JournalEntry>>;

// Reads the journal topic from its start to its end at the call, without a group. What stands in a
// transaction that is still open is waited for: its offsets may be visible before its records are.
// A record that is no journal entry, or one of a newer version, is an error (Fault::kData) that
// names it: to go on without it would decide differently than the run that wrote it. Errors:
// Fault::kBroker, Fault::kConfig for a topic that does not exist.
[[nodiscard]] Result<Journal> ReadJournal(const kafka::ConsumerProperties& consumer,
                                          const std::string& topic,
                                          std::chrono::milliseconds timeout);

}  // namespace faultline
