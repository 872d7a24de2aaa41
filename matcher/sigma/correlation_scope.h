// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "matcher/sigma/expression.h"
#include "matcher/sigma/pack.h"
#include "matcher/sigma/rule.h"

namespace faultline::sigma {

// What names mean in the expressions of a correlation, as far as it has been read.
//
// Ownership  Borrows both arguments, which outlive it.
class CorrelationScope final : public ExprScope {
 public:
  CorrelationScope(const CorrelationRule& rule, const Pack& pack) : rule_(rule), pack_(pack) {}

  // Without registers and computed fields: for what the keys of registers are made of.
  void ForKeys() { keys_ = true; }

  [[nodiscard]] Result<Found> Find(const std::vector<std::string>& parts) const override;
  [[nodiscard]] Result<ExprName> FindStep(std::string_view step) const override;
  // A computed field, a group-by field or a field of an event.
  [[nodiscard]] Found Bare(const std::string& name) const;

 private:
  [[nodiscard]] Result<Found> FindRegister(const std::vector<std::string>& parts) const;

  const CorrelationRule& rule_;
  const Pack& pack_;
  bool keys_ = false;
};

// The same of a detection: its computed fields and the fields of its event.
class DetectionScope final : public ExprScope {
 public:
  DetectionScope(const DetectionRule& rule, const Pack& pack) : rule_(rule), pack_(pack) {}

  [[nodiscard]] Result<Found> Find(const std::vector<std::string>& parts) const override;
  [[nodiscard]] Result<ExprName> FindStep(std::string_view step) const override;

 private:
  const DetectionRule& rule_;
  const Pack& pack_;
};

// `settings.name`.
[[nodiscard]] Result<ExprValue> FindSetting(std::string_view name, const Pack& pack);

// Names that expressions give a meaning of their own; no computed field may hide them.
[[nodiscard]] bool IsReserved(std::string_view name) noexcept;

}  // namespace faultline::sigma
