// SPDX-License-Identifier: Apache-2.0
#include "matcher/signature/capture.h"

#include <algorithm>

namespace faultline {

sigma::Regex CompiledCapture::SourceOf(const sigma::Capture& capture) {
  sigma::Regex source = capture.regex.value_or(sigma::Regex{});
  source.pattern = capture.pcre;
  return source;
}

CompiledCapture::CompiledCapture(const sigma::Capture& capture, FieldId field,
                                 std::shared_ptr<const Regex> regex)
    : field_(field), join_(capture.join), regex_(std::move(regex)), groups_(regex_->names()) {
  if (!groups_.empty()) return;
  // A template's groups have numbers only: they are named in order.
  for (std::uint32_t i = 0; i < capture.names.size(); ++i) {
    groups_.emplace_back(capture.names[i], i + 1);
  }
}

bool CompiledCapture::Take(const TextView& text, RegexScratch& scratch,
                           std::vector<NamedValue>& out) const {
  if (!regex_->Search(text, scratch)) return false;
  for (const auto& [name, group] : groups_) {
    const std::string_view value = Regex::Group(text, group, scratch);
    if (value.data() == nullptr) continue;
    const bool taken = std::any_of(out.begin(), out.end(), [&name = name](const NamedValue& other) {
      return other.name == name;
    });
    if (!taken) out.push_back({name, std::string(value)});
  }
  return true;
}

}  // namespace faultline
