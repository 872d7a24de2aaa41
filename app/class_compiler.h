// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <thread>

#include "matcher/signature/database_cache.h"
#include "matcher/signature/rule_set.h"

namespace faultline::app {

// What `file` kept of compiled rules; nothing kept where it is not there or cannot be read. Null
// without a file.
[[nodiscard]] std::shared_ptr<DatabaseCache> ReadDatabases(const std::optional<std::string>& file);

// Compiles the classes of a rule set beside those who match, on a thread of its own; then keeps the
// databases in the file for the next start, whole or not at all.
//
// Threads    Its own, from construction to destruction, which waits for the class at hand.
// Errors     A file that cannot be written is logged; the next start compiles again.
class ClassCompiler {
 public:
  ClassCompiler(std::shared_ptr<const RuleSet> rules, std::optional<std::string> file);
  // Waits until everything is compiled and kept.
  void Finish() { thread_.join(); }

 private:
  std::jthread thread_;
};

}  // namespace faultline::app
