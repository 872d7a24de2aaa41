// SPDX-License-Identifier: Apache-2.0
#include "matcher/sigma/text_template.h"

namespace faultline::sigma {
namespace {

std::string_view Trimmed(std::string_view text) {
  const std::size_t first = text.find_first_not_of(' ');
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(' ') - first + 1);
}

// Calls `literal` and `name` on the pieces of `text`, in order.
template <class Literal, class Name>
void Split(std::string_view text, Literal literal, Name name) {
  while (true) {
    const std::size_t open = text.find("{{");
    const std::size_t close =
        open == std::string_view::npos ? std::string_view::npos : text.find("}}", open + 2);
    if (close == std::string_view::npos) break;
    literal(text.substr(0, open));
    name(Trimmed(text.substr(open + 2, close - open - 2)));
    text.remove_prefix(close + 2);
  }
  literal(text);
}

}  // namespace

std::vector<std::string> TemplateNames(std::string_view text) {
  std::vector<std::string> names;
  Split(
      text, [](std::string_view) {}, [&names](std::string_view name) { names.emplace_back(name); });
  return names;
}

std::vector<std::string> TemplateNames(const Explain& explain) {
  std::vector<std::string> names;
  const auto add = [&names](std::string_view text) {
    for (std::string& name : TemplateNames(text)) names.push_back(std::move(name));
  };
  add(explain.cause);
  add(explain.impact);
  add(explain.runbook);
  for (const std::string& step : explain.remedy) add(step);
  for (const std::string& reference : explain.references) add(reference);
  return names;
}

std::string RenderTemplate(std::string_view text, const TemplateValue& value) {
  std::string rendered;
  Split(
      text, [&rendered](std::string_view literal) { rendered += literal; },
      [&](std::string_view name) { rendered += value(name); });
  return rendered;
}

Explain RenderTemplate(const Explain& explain, const TemplateValue& value) {
  Explain rendered;
  rendered.cause = RenderTemplate(explain.cause, value);
  rendered.impact = RenderTemplate(explain.impact, value);
  rendered.runbook = RenderTemplate(explain.runbook, value);
  for (const std::string& step : explain.remedy) {
    rendered.remedy.push_back(RenderTemplate(step, value));
  }
  for (const std::string& reference : explain.references) {
    rendered.references.push_back(RenderTemplate(reference, value));
  }
  return rendered;
}

}  // namespace faultline::sigma
