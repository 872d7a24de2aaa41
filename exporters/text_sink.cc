// SPDX-License-Identifier: Apache-2.0
#include "exporters/text_sink.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include <fmt/format.h>

#include "exporters/escape.h"

namespace faultline {
namespace {

constexpr std::string_view kReset = "\x1b[0m";
constexpr std::string_view kBold = "\x1b[1m";
constexpr std::string_view kDim = "\x1b[2m";
constexpr std::string_view kCyan = "\x1b[36m";

std::string_view ColorOf(sigma::Level level) noexcept {
  switch (level) {
    case sigma::Level::kCritical: return "\x1b[1;35m";
    case sigma::Level::kHigh: return "\x1b[1;31m";
    case sigma::Level::kMedium: return "\x1b[1;33m";
    case sigma::Level::kLow: return "\x1b[1;36m";
    case sigma::Level::kInformational: break;
  }
  return "\x1b[1;34m";
}

std::string Paint(std::string_view text, std::string_view style, bool color) {
  if (!color) return std::string(text);
  return fmt::format("{}{}{}", style, text, kReset);
}

std::string Joined(const std::vector<NamedValue>& values, std::string_view between) {
  std::string text;
  for (const NamedValue& value : values) {
    if (!text.empty()) text += between;
    text += Printable(value.name) + "=" + Printable(value.value);
  }
  return text;
}

// The deciding event stands last where events lie in order; a detection has just the one.
const Evidence* Deciding(const Alert& alert) noexcept {
  for (const Evidence& evidence : alert.evidence) {
    if (!evidence.event.empty()) return &evidence;
  }
  return alert.evidence.empty() ? nullptr : &alert.evidence.back();
}

std::string DecidingOrigin(const Alert& alert) {
  const Evidence* deciding = Deciding(alert);
  return deciding == nullptr ? std::string() : OriginText(deciding->origin);
}

// ---- tables

constexpr std::size_t kTimeColumns = 24;
constexpr std::size_t kLevelColumns = 13;

struct Columns {
  std::size_t rule, group, origin;
};

// What time and level leave, shared among the others.
Columns Share(std::size_t width) noexcept {
  const std::size_t rest = width - kTimeColumns - kLevelColumns - 4;
  const std::size_t group = rest * 3 / 10;
  const std::size_t origin = rest * 3 / 10;
  return {rest - group - origin, group, origin};
}

std::string TableLine(std::string_view time, const std::string& level, std::string_view rule,
                      std::string_view group, std::string_view origin, std::size_t width) {
  const Columns columns = Share(width);
  std::string line =
      fmt::format("{} {} {} {} {}", Fitted(time, kTimeColumns), level, Fitted(rule, columns.rule),
                  Fitted(group, columns.group), Fitted(origin, columns.origin));
  line.erase(line.find_last_not_of(' ') + 1);
  return line + "\n";
}

std::string TableHead(std::size_t width, bool color) {
  std::string line =
      TableLine("TIME", Fitted("LEVEL", kLevelColumns), "RULE", "GROUP", "ORIGIN", width);
  line.pop_back();
  return Paint(line, kBold, color) + "\n";
}

std::string TableRow(const Alert& alert, std::size_t width, bool color) {
  const std::string level = Fitted(sigma::ToString(alert.level), kLevelColumns);
  std::string title = Printable(TitleOf(alert));
  if (alert.status != AlertStatus::kFiring) {
    title = fmt::format("[{}] {}", ToString(alert.status), title);
  }
  return TableLine(ToString(alert.time), Paint(level, ColorOf(alert.level), color), title,
                   Joined(alert.group, " "), Printable(DecidingOrigin(alert)), width);
}

// ---- CSV

constexpr std::string_view kCsvHead =
    "time,status,kind,level,rule,title,group,topic,partition,offset,id\n";

std::string CsvCell(std::string_view text) {
  std::string cell = Printable(text);
  if (cell.find_first_of(",\"") == std::string::npos) return cell;
  std::string quoted = "\"";
  for (const char c : cell) {
    if (c == '"') quoted.push_back('"');
    quoted.push_back(c);
  }
  return quoted + "\"";
}

std::string CsvRow(const Alert& alert) {
  const Evidence* deciding = Deciding(alert);
  const Origin origin = deciding == nullptr ? Origin{} : deciding->origin;
  return fmt::format("{},{},{},{},{},{},{},{},{},{},{}\n", ToString(alert.time),
                     ToString(alert.status), ToString(alert.kind), sigma::ToString(alert.level),
                     CsvCell(RuleIdOf(*alert.rule)), CsvCell(TitleOf(alert)),
                     CsvCell(Joined(alert.group, "; ")), CsvCell(origin.source.topic),
                     deciding == nullptr ? "" : fmt::to_string(origin.source.partition),
                     deciding == nullptr ? "" : fmt::to_string(origin.offset), alert.id.Hex());
}

// ---- cards

constexpr std::size_t kLabelColumns = 12;

// Breaks text at blanks into lines of at most `width` columns; a longer word stands alone.
std::vector<std::string> Wrapped(std::string_view text, std::size_t width) {
  std::vector<std::string> lines(1);
  while (!text.empty()) {
    const std::size_t end = std::min(text.find(' '), text.size());
    const std::string_view word = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (word.empty()) continue;
    std::string& line = lines.back();
    if (line.empty()) {
      line = word;
    } else if (DisplayWidth(line) + 1 + DisplayWidth(word) <= width) {
      line += " " + std::string(word);
    } else {
      lines.emplace_back(word);
    }
  }
  return lines;
}

class Card {
 public:
  Card(bool color, std::size_t width) : color_(color), width_(width) {}

  void Head(const Alert& alert) {
    std::string level(sigma::ToString(alert.level));
    std::transform(level.begin(), level.end(), level.begin(),
                   [](char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c; });
    std::string rule;
    for (std::size_t i = 0; i < width_; ++i) rule += "\u2500";
    text_ += Paint(rule, ColorOf(alert.level), color_) + "\n";
    if (alert.status != AlertStatus::kFiring) level += fmt::format(" {}", ToString(alert.status));
    text_ += Paint(level, ColorOf(alert.level), color_) + "  " +
             Paint(Printable(TitleOf(alert)), kBold, color_) + "\n";
  }

  // A labelled text, wrapped; left out when empty. `lead` stands before its first line.
  void Field(std::string_view label, std::string_view value, std::string_view lead = {}) {
    const std::string printable = Printable(value);
    if (printable.empty()) return;
    const std::string indent(kLabelColumns + lead.size(), ' ');
    std::string prefix = Paint(Fitted(label, kLabelColumns), kCyan, color_) + std::string(lead);
    for (const std::string& line : Wrapped(printable, width_ - indent.size())) {
      text_ += prefix + line + "\n";
      prefix = indent;
    }
  }

  void Remedy(const std::vector<std::string>& steps) {
    for (std::size_t i = 0; i < steps.size(); ++i) {
      Field(i == 0 ? "remedy" : "", steps[i], fmt::format("{}. ", i + 1));
    }
  }

  void Items(std::string_view label, const std::vector<std::string>& items) {
    for (const std::string& item : items) {
      Field(label, item);
      label = "";
    }
  }

  void EvidenceOf(const Alert& alert) {
    std::string_view label = "evidence";
    for (std::size_t i = 0; i < alert.evidence.size(); ++i) {
      const Evidence& evidence = alert.evidence[i];
      Field(label, fmt::format("{}  {}  {}", OriginText(evidence.origin), ToString(evidence.time),
                               StepNames(alert, i)));
      Field("", Joined(evidence.captures, ", "), "  ");
      label = "";
    }
    const auto shown = static_cast<std::int64_t>(alert.evidence.size());
    if (alert.evidence_total > shown) {
      Field("", fmt::format("and {} more", alert.evidence_total - shown));
    }
  }

  // The steps of a chain that were not seen.
  void Missing(const Alert& alert) {
    std::string names;
    for (const Step& step : alert.steps) {
      if (!step.matched) names += (names.empty() ? "" : ", ") + step.name;
    }
    if (alert.steps.size() > 1) Field("not seen", names);
  }

  void Foot(const Alert& alert) {
    const std::string status =
        fmt::format("{}, seq {}, id {}", ToString(alert.status), alert.seq, alert.id.Hex());
    for (const std::string& line : Wrapped(status, width_ - kLabelColumns)) {
      text_ += std::string(kLabelColumns, ' ') + Paint(line, kDim, color_) + "\n";
    }
  }

  [[nodiscard]] std::string Take() && { return std::move(text_); }

 private:
  static std::string StepNames(const Alert& alert, std::size_t evidence) {
    std::string names;
    for (const Step& step : alert.steps) {
      const auto end = step.evidence.end();
      if (std::find(step.evidence.begin(), end, evidence) == end) continue;
      names += (names.empty() ? "" : ", ") + step.name;
    }
    return names;
  }

  bool color_;
  std::size_t width_;
  std::string text_;
};

std::string WindowText(const AlertWindow& window) {
  std::string text = fmt::format("{} from {} to {}, {} of {}", window.type, ToString(window.start),
                                 ToString(window.end), window.count, window.threshold);
  if (!window.value.empty()) text += ", value " + window.value;
  return text;
}

}  // namespace

std::string OriginText(const Origin& origin) {
  std::string text =
      fmt::format("{}[{}]@{}", origin.source.topic, origin.source.partition, origin.offset);
  if (origin.index != 0) text += fmt::format("#{}", origin.index);
  return text;
}

std::string AlertCard(const Alert& alert, bool color, std::size_t width) {
  Card card(color, std::max<std::size_t>(width, 60));
  card.Head(alert);
  card.Field("time", ToString(alert.time));
  card.Field("group", Joined(alert.group, ", "));
  if (alert.window) card.Field("window", WindowText(*alert.window));
  card.Field("matched", alert.matched);
  card.Missing(alert);
  card.Field("variant", alert.variant);
  card.Field("cause", alert.explanation.cause);
  card.Field("impact", alert.explanation.impact);
  card.Remedy(alert.explanation.remedy);
  card.EvidenceOf(alert);
  card.Items("references", alert.explanation.references);
  card.Field("runbook", alert.explanation.runbook);
  card.Items("before", alert.others);
  if (alert.suppressed_count > 0) {
    card.Field("hidden", fmt::format("{} more of this rule", alert.suppressed_count));
  }
  if (alert.degraded) card.Field("degraded", "state of this rule was lost: there may be more");
  card.Foot(alert);
  return std::move(card).Take();
}

TextSink::TextSink(std::FILE* out, Options options, AlertContext context, const Clock& clock)
    : out_(out), options_(std::move(options)), context_(std::move(context)), clock_(clock) {
  options_.width = std::max<std::size_t>(options_.width, 60);
}

std::string TextSink::Rendered(const Alert& alert) const {
  const bool first = alerts_ == 0;
  switch (options_.format) {
    case TextFormat::kNdjson: return AlertJson(alert, context_) + "\n";
    case TextFormat::kJson: return (first ? "[\n" : ",\n") + AlertJson(alert, context_);
    case TextFormat::kTable:
      return (first ? TableHead(options_.width, options_.color) : "") +
             TableRow(alert, options_.width, options_.color);
    case TextFormat::kCsv: return (first ? std::string(kCsvHead) : "") + CsvRow(alert);
    case TextFormat::kCard: break;
  }
  return AlertCard(alert, options_.color, options_.width);
}

Result<void> TextSink::WriteAlert(const Alert& alert) {
  context_.detected_at = clock_.Now();
  const std::string text = Rendered(alert);
  ++alerts_;
  return Put(text, options_.flush_each);
}

Result<void> TextSink::WriteDeadLetter(const Record&, const SourceName&, const DeadLetter&) {
  ++dead_letters_;
  return {};
}

Result<void> TextSink::WriteLate(const LateMatch&) {
  ++late_;
  return {};
}

Result<void> TextSink::WriteJournal(const JournalEntry&) { return {}; }

Result<void> TextSink::Finish() {
  std::string_view end;
  if (options_.format == TextFormat::kJson) end = alerts_ == 0 ? "[]\n" : "\n]\n";
  if (options_.format == TextFormat::kCsv && alerts_ == 0) end = kCsvHead;
  return Put(end, true);
}

Result<void> TextSink::Put(std::string_view text, bool flush) {
  errno = 0;
  // An empty text may have no data at all, which fwrite must not be given.
  const bool written =
      text.empty() || std::fwrite(text.data(), 1, text.size(), out_) == text.size();
  if (written && (!flush || std::fflush(out_) == 0) && std::ferror(out_) == 0) return {};
  const int cause = errno;
  return Fail(Fault::kIo,
              fmt::format("cannot write to {}: {}", options_.name,
                          cause == 0 ? "an earlier write failed" : std::strerror(cause)));
}

}  // namespace faultline
