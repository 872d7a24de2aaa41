// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "matcher/event/record.h"
#include "matcher/output.h"

namespace faultline {

// Where results go. consumer/ calls it, exporters/ implement it, app/ joins them.
//
// Order      Calls come in the engine's order; for Kafka all of them lie in the worker's open
// transaction. Ownership  Arguments live for the call only; a sink copies what it keeps. Threads
// The worker's thread. Errors     A Result that failed means: nothing more can be written; the
// worker aborts or stops.
class Sink {
 public:
  virtual ~Sink() = default;
  [[nodiscard]] virtual Result<void> WriteAlert(const Alert& alert) = 0;
  // `record` is the damaged record with its key and headers, `source` its origin's source.
  [[nodiscard]] virtual Result<void> WriteDeadLetter(const Record& record, const SourceName& source,
                                                     const DeadLetter& why) = 0;
  [[nodiscard]] virtual Result<void> WriteLate(const LateMatch& late) = 0;
  [[nodiscard]] virtual Result<void> WriteJournal(const JournalEntry& entry) = 0;
};

}  // namespace faultline
