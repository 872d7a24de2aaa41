// SPDX-License-Identifier: Apache-2.0
#include "matcher/sigma/yaml_layout.h"

#include <algorithm>

namespace faultline::yaml {
namespace {

constexpr std::string_view kBlank = " \t\r\n";
constexpr std::string_view kLineEnd = "\r\n";
constexpr std::string_view kFlowIndicators = ",[]{}";
constexpr std::string_view kNameCharacters =
    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-";

constexpr std::string_view kQuestion = "'?' before text inside [...] or {...}";
constexpr std::string_view kNoBlank = "'#' without a blank before it";
constexpr std::string_view kPutBlank = "put a blank there";
constexpr std::string_view kQuoteIt = "quote it";

}  // namespace

void Layout::Find(std::size_t at, std::string_view message, std::string_view remedy) {
  if (!finding_) finding_ = Finding{at, message, remedy};
}

bool Layout::BlankAt(std::size_t at) const {
  return at >= text_.size() || kBlank.find(text_[at]) != kBlank.npos;
}

bool Layout::EndsName(std::size_t at) const {
  return BlankAt(at) || (in_flow() && kFlowIndicators.find(text_[at]) != kFlowIndicators.npos);
}

std::ptrdiff_t Layout::Column() const {
  const auto block =
      std::find_if(open_.rbegin(), open_.rend(), [](const Open& open) { return !open.flow; });
  return block == open_.rend() ? -1 : block->column;
}

// Between two parts stand blanks, comments and indicators only.
void Layout::CheckGap(std::size_t begin, std::size_t end) {
  for (std::size_t at = begin; at < end; ++at) {
    if (text_[at] == '?' && !BlankAt(at + 1)) {
      Find(at, kQuestion, kQuoteIt);
    }
    if (text_[at] != '#') continue;
    if (at > 0 && !BlankAt(at - 1)) Find(at, kNoBlank, kPutBlank);
    at = std::min(text_.find_first_of(kLineEnd, at), end);
  }
}

void Layout::CheckVersion(const Part& part) {
  if (part.directives && document_open_) {
    Find(part.begin, "a directive behind a document that '...' does not end",
         "remove the line with '%'");
  }
  const std::string_view head = text_.substr(part.begin, part.end - part.begin);
  const std::size_t version = head.find("%YAML");
  if (version == head.npos) return;
  const std::size_t line_end = std::min(head.find_first_of(kLineEnd, version), head.size());
  const std::size_t comment = head.substr(0, line_end).find('#', version);
  if (comment != head.npos && !BlankAt(part.begin + comment - 1)) {
    Find(part.begin + comment, kNoBlank, kPutBlank);
  }
}

// Tag and anchor in any order; gives where what they belong to begins.
std::size_t Layout::CheckAnchor(std::size_t at) {
  for (;;) {
    at = std::min(text_.find_first_not_of(kBlank, at), text_.size());
    if (at == text_.size()) return at;
    if (text_[at] == '&') {
      at = std::min(text_.find_first_not_of(kNameCharacters, at + 1), text_.size());
      if (!EndsName(at)) {
        Find(at, "a character that an anchor cannot have", "use letters, digits, '_' and '-'");
      }
    } else if (text_[at] == '!') {
      while (!EndsName(at)) ++at;
    } else {
      return at;
    }
    if (finding_) return at;
  }
}

void Layout::CheckLines(std::size_t begin, std::size_t end) {
  const std::ptrdiff_t column = Column();
  for (std::size_t at = text_.find_first_of(kLineEnd, begin); at < end;
       at = text_.find_first_of(kLineEnd, at)) {
    const std::size_t first = ++at;
    at = std::min(text_.find_first_not_of(' ', at), end);
    const std::size_t word = std::min(text_.find_first_not_of(" \t", at), end);
    const bool says_something =
        word < end && kLineEnd.find(text_[word]) == kLineEnd.npos && text_[word] != '#';
    if (says_something && static_cast<std::ptrdiff_t>(at - first) <= column) {
      Find(word, "this line must be indented by blanks, deeper than the key it belongs to",
           "indent it, or close the quote or bracket above");
    }
  }
}

// `header` is where `|` or `>` stands.
void Layout::CheckBlock(const Part& part, std::size_t header) {
  const std::size_t line_end = std::min(text_.find_first_of(kLineEnd, header), text_.size());
  const std::size_t comment = text_.substr(0, line_end).find('#', header);
  if (comment != text_.npos && !BlankAt(comment - 1)) {
    Find(comment, kNoBlank, kPutBlank);
  }
  // libyaml takes the deepest of the empty lines before a text for its indentation: then what is
  // less deep seems to lie behind the text.
  if (part.value.find_first_not_of('\n') != part.value.npos) return;
  std::size_t deepest = 0;
  for (std::size_t line = line_end; line < text_.size();) {
    line = std::min(text_.find_first_not_of(kLineEnd, line), text_.size());
    const std::size_t word = std::min(text_.find_first_not_of(' ', line), text_.size());
    const std::size_t depth = word - line;
    if (!BlankAt(word)) {
      if (depth<deepest&& static_cast<std::ptrdiff_t>(depth)> Column()) {
        Find(word, "the text begins less deep than the empty lines before it",
             "remove the blanks of those lines");
      }
      return;
    }
    deepest = std::max(deepest, depth);
    line = std::min(text_.find_first_of(kLineEnd, word), text_.size());
  }
}

void Layout::CheckContent(const Part& part) {
  if (part.kind == Kind::kAlias) {
    if (!EndsName(part.end)) {
      Find(part.end, "a character that an alias cannot have", "put a blank behind the alias");
    }
    return;
  }
  const std::size_t content = part.begin < part.end ? CheckAnchor(part.begin) : part.begin;
  if (part.kind == Kind::kBlock) CheckBlock(part, content);
  if (part.kind == Kind::kQuoted && !in_flow()) CheckLines(part.begin, part.end);
  if (part.kind == Kind::kPlain && in_flow() && part.value == "-") {
    Find(part.end - 1, "a lone '-' inside [...] or {...}", kQuoteIt);
  }
}

void Layout::OpenAt(const Part& part) {
  if (part.begin < part.end) static_cast<void>(CheckAnchor(part.begin));
  if (part.flow && text_.substr(part.begin).starts_with('?') && !BlankAt(part.begin + 1)) {
    Find(part.begin, kQuestion, kQuoteIt);
  }
  Open open;
  open.flow = part.flow;
  open.begin = part.begin;
  open.column = static_cast<std::ptrdiff_t>(part.column);
  // A list that stands as deep as its key begins behind its first dash.
  const bool behind_dash = part.kind == Kind::kSequenceStart && part.end > 0 &&
                           part.end <= text_.size() && text_[part.end - 1] == '-' &&
                           BlankAt(part.end);
  if (behind_dash) --open.column;
  open_.push_back(open);
}

void Layout::Close(const Part& part) {
  const Open open = open_.back();
  open_.pop_back();
  if (open.flow && !in_flow()) CheckLines(open.begin, part.end);
}

std::optional<Layout::Finding> Layout::Next(const Part& part) {
  if (behind_ < part.begin) CheckGap(behind_, part.begin);
  switch (part.kind) {
    case Kind::kDocumentStart: CheckVersion(part); break;
    case Kind::kDocumentEnd: document_open_ = part.implicit; break;
    case Kind::kSequenceStart:
    case Kind::kMappingStart: OpenAt(part); break;
    case Kind::kEnd: Close(part); break;
    default: CheckContent(part); break;
  }
  behind_ = std::max(behind_, part.end);
  return finding_;
}

}  // namespace faultline::yaml
