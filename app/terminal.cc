// SPDX-License-Identifier: Apache-2.0
#include "app/terminal.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <fstream>
#include <map>
#include <utility>

#include <fmt/format.h>

#include "exporters/escape.h"
#include "exporters/json_writer.h"
#include "matcher/sigma/rule.h"

namespace faultline::app {
namespace {

constexpr std::chrono::milliseconds kRedraw{100};
constexpr std::size_t kTopRules = 10;
constexpr std::size_t kMaxShownLine = 160;
constexpr std::size_t kLevels = 5;

std::string_view CodeOf(Tone tone) noexcept {
  switch (tone) {
    case Tone::kPlain: return "";
    case Tone::kBold: return "\x1b[1m";
    case Tone::kDim: return "\x1b[2m";
    case Tone::kRed: return "\x1b[31m";
    case Tone::kYellow: return "\x1b[33m";
    case Tone::kGreen: return "\x1b[32m";
    case Tone::kCyan: break;
  }
  return "\x1b[36m";
}

Tone ToneOf(std::size_t level) noexcept {
  if (level >= 3) return Tone::kRed;
  return level == 2 ? Tone::kYellow : Tone::kPlain;
}

// Line `number` of a file, nothing when it cannot be read: the place may be a variable or a flag.
std::string LineOf(const std::string& path, int number) {
  std::ifstream file(path, std::ios::binary);
  std::string line;
  for (int i = 0; i < number; ++i) {
    if (!std::getline(file, line)) return {};
  }
  if (!line.empty() && line.back() == '\r') line.pop_back();
  return line;
}

bool IsContinuation(char c) noexcept { return (static_cast<unsigned char>(c) & 0xC0) == 0x80; }

// The line and a caret below the column. Tabs become one blank, so the caret stays in its column.
std::string Excerpt(const Place& place, bool color) {
  if (place.file.empty() || place.line <= 0) return {};
  std::string line = LineOf(place.file, place.line);
  if (line.empty() || line.size() > kMaxShownLine * 8) return {};
  std::size_t column = place.column > 0 ? static_cast<std::size_t>(place.column) - 1 : 0;
  if (column > line.size()) return {};
  std::replace(line.begin(), line.end(), '\t', ' ');
  if (line.size() > kMaxShownLine) {  // a window around the column
    const std::size_t from = column > kMaxShownLine / 2 ? column - kMaxShownLine / 2 : 0;
    line = line.substr(from, kMaxShownLine);
    column -= from;
  }
  // A column counts bytes; on the terminal a character of several bytes is one wide.
  const auto skipped = std::count_if(
      line.begin(), line.begin() + static_cast<std::ptrdiff_t>(column), IsContinuation);
  const std::string gutter = fmt::format("{:>6}", place.line);
  std::string text =
      fmt::format("{} {}\n", Toned(gutter + " |", Tone::kDim, color), Printable(line));
  if (place.column > 0) {
    text += fmt::format("{} {}{}\n", Toned("       |", Tone::kDim, color),
                        std::string(column - static_cast<std::size_t>(skipped), ' '),
                        Toned("^", Tone::kRed, color));
  }
  return text;
}

void PrintTo(std::FILE* out, const std::string& text) {
  std::fwrite(text.data(), 1, text.size(), out);
  std::fflush(out);
}

std::string LevelCounts(const std::array<std::uint64_t, kLevels>& counts, bool color) {
  std::vector<std::string> parts;
  for (std::size_t i = kLevels; i-- > 0;) {
    if (counts[i] == 0) continue;
    parts.push_back(Toned(fmt::format("{} {}", counts[i], ToString(static_cast<sigma::Level>(i))),
                          ToneOf(i), color));
  }
  return parts.empty() ? "no alerts" : fmt::format("{}", fmt::join(parts, ", "));
}

double Seconds(std::chrono::nanoseconds span) {
  return std::chrono::duration<double>(span).count();
}

std::string ShortCount(double count) {
  if (count >= 1e9) return fmt::format("{:.1f}G", count / 1e9);
  if (count >= 1e6) return fmt::format("{:.1f}M", count / 1e6);
  if (count >= 1e4) return fmt::format("{:.0f}k", count / 1e3);
  return fmt::format("{:.0f}", count);
}

std::string ShortSpan(double seconds) {
  const auto whole = static_cast<std::int64_t>(seconds + 0.5);
  if (whole >= 3600) return fmt::format("{}h{:02}m", whole / 3600, whole / 60 % 60);
  if (whole >= 60) return fmt::format("{}m{:02}s", whole / 60, whole % 60);
  return fmt::format("{}s", whole);
}

// Alerts by hour as a row of blocks, at most as many as fit a line; wide spans are folded.
std::string Sparkline(const std::map<std::int64_t, std::uint64_t>& by_hour) {
  constexpr std::array<std::string_view, 8> kBlocks = {"▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
  constexpr std::int64_t kColumns = 72;
  const std::int64_t first = by_hour.begin()->first;
  const std::int64_t hours = by_hour.rbegin()->first - first + 1;
  const std::int64_t per_column = (hours + kColumns - 1) / kColumns;
  std::vector<std::uint64_t> columns(static_cast<std::size_t>((hours - 1) / per_column + 1));
  for (const auto& [hour, count] : by_hour) {
    columns[static_cast<std::size_t>((hour - first) / per_column)] += count;
  }
  const std::uint64_t most = *std::max_element(columns.begin(), columns.end());
  std::string row;
  for (const std::uint64_t count : columns) {
    row += count == 0 ? " " : kBlocks[static_cast<std::size_t>((count * 8 - 1) / most)];
  }
  const auto at = [](std::int64_t hour) {
    return ToString(EventTime::Raw(hour * 3'600'000'000'000));
  };
  return fmt::format("{}|{}| one column = {} h, most {}", at(first).substr(0, 16), row, per_column,
                     most);
}

using RuleCount = std::pair<std::string, std::uint64_t>;
std::vector<RuleCount> TopRules(const ReplaySummary& summary) {
  std::vector<RuleCount> rules(summary.alerts_by_rule.begin(), summary.alerts_by_rule.end());
  std::stable_sort(rules.begin(), rules.end(),
                   [](const RuleCount& a, const RuleCount& b) { return a.second > b.second; });
  if (rules.size() > kTopRules) rules.resize(kTopRules);
  return rules;
}

}  // namespace

bool IsTerminal(std::FILE* stream) { return isatty(fileno(stream)) == 1; }

bool UsesColor(ColorChoice choice, std::FILE* stream) {
  if (choice != ColorChoice::kAuto) return choice == ColorChoice::kAlways;
  const char* const off = std::getenv("NO_COLOR");  // NOLINT(concurrency-mt-unsafe)
  if (off != nullptr && *off != '\0') return false;
  const char* const term = std::getenv("TERM");  // NOLINT(concurrency-mt-unsafe)
  if (term != nullptr && std::string_view(term) == "dumb") return false;
  return IsTerminal(stream);
}

std::size_t WidthOf(std::FILE* stream) {
  winsize size{};
  if (ioctl(fileno(stream), TIOCGWINSZ, &size) == 0 && size.ws_col > 0) return size.ws_col;
  return 100;
}

std::string Toned(std::string_view text, Tone tone, bool color) {
  if (!color || tone == Tone::kPlain) return std::string(text);
  return fmt::format("{}{}\x1b[0m", CodeOf(tone), text);
}

int CharacterColumn(const Place& place) {
  const std::string line = LineOf(place.file, place.line);
  const auto before =
      std::min(line.size(), static_cast<std::size_t>(std::max(place.column - 1, 0)));
  const auto continued = std::count_if(
      line.begin(), line.begin() + static_cast<std::ptrdiff_t>(before), IsContinuation);
  return place.column - static_cast<int>(continued);
}

std::string Diagnostic(const Error& error, std::string_view severity, bool color) {
  const Tone tone = severity == "error" ? Tone::kRed : Tone::kYellow;
  std::string text;
  const std::string place = ToString(error.place);
  if (!place.empty()) text += Toned(Printable(place) + ": ", Tone::kBold, color);
  text += fmt::format("{} {}\n", Toned(fmt::format("{}:", severity), tone, color),
                      Printable(error.message));
  text += Excerpt(error.place, color);
  if (!error.remedy.empty()) {
    text += fmt::format("  {} {}\n", Toned("->", Tone::kCyan, color), Printable(error.remedy));
  }
  return text;
}

void PrintError(const Error& error, bool color) {
  PrintTo(stderr, Diagnostic(error, "error", color));
}
void PrintWarning(const Error& error, bool color) {
  PrintTo(stderr, Diagnostic(error, "warning", color));
}

std::string ProgressText(const ReplayProgress& progress, bool color) {
  const double seconds = std::max(Seconds(progress.elapsed), 1e-3);
  std::string text;
  if (progress.bytes_total > 0) {
    const double share = std::min(
        1.0, static_cast<double>(progress.bytes_read) / static_cast<double>(progress.bytes_total));
    constexpr int kBar = 20;
    const auto full = static_cast<int>(share * kBar);
    text += fmt::format("[{}{}] {:3.0f}%  ", std::string(static_cast<std::size_t>(full), '#'),
                        std::string(static_cast<std::size_t>(kBar - full), '.'), share * 100);
  }
  text += fmt::format("{} events  {}/s", progress.records,
                      ShortCount(static_cast<double>(progress.records) / seconds));
  if (progress.reached.finite()) text += "  at " + ToString(progress.reached).substr(0, 19) + "Z";
  if (progress.alerts_by_level != nullptr) {
    text += "  " + LevelCounts(*progress.alerts_by_level, color);
  }
  if (progress.bytes_total > 0 && progress.bytes_read > 0) {
    const double left = seconds *
                        (static_cast<double>(progress.bytes_total) -
                         static_cast<double>(std::min(progress.bytes_read, progress.bytes_total))) /
                        static_cast<double>(progress.bytes_read);
    text += "  " + ShortSpan(left) + " left";
  }
  return text;
}

void ProgressLine::Update(const ReplayProgress& progress) {
  if (!enabled_ || (drawn_ && progress.elapsed - drawn_at_ < kRedraw)) return;
  drawn_ = true;
  drawn_at_ = progress.elapsed;
  PrintTo(out_, "\r\x1b[K" + ProgressText(progress, color_));
}

void ProgressLine::Clear() {
  if (drawn_) PrintTo(out_, "\r\x1b[K");
  drawn_ = false;
}

std::string SummaryText(const ReplaySummary& summary, bool color) {
  const double seconds = std::max(Seconds(summary.seconds), 1e-6);
  std::string text = fmt::format(
      "{} {} records, {} events, {} in {:.2f} s ({}/s)\n", Toned("replayed", Tone::kBold, color),
      summary.records, summary.events, ShortCount(static_cast<double>(summary.bytes)) + "B",
      Seconds(summary.seconds), ShortCount(static_cast<double>(summary.records) / seconds));
  text += fmt::format("{}   {}\n", Toned("alerts", Tone::kBold, color),
                      LevelCounts(summary.alerts_by_level, color));
  for (const auto& [rule, count] : TopRules(summary)) {
    const auto title = summary.rule_titles.find(rule);
    text += fmt::format("  {:>8}  {}\n", count,
                        Printable(title == summary.rule_titles.end() ? rule : title->second));
  }
  if (!summary.alerts_by_hour.empty()) {
    text += fmt::format("{}  {}\n", Toned("by hour", Tone::kBold, color),
                        Sparkline(summary.alerts_by_hour));
  }
  std::vector<std::string> reasons;
  for (const auto& [reason, count] : summary.invalid) {
    reasons.push_back(fmt::format("{} {}", count, reason));
  }
  text += fmt::format("{}   {} late, {} skipped (tombstones), {} dead-lettered{}\n",
                      Toned("others", Tone::kBold, color), summary.late, summary.tombstones,
                      summary.dead_letters,
                      reasons.empty() ? "" : fmt::format(" ({})", fmt::join(reasons, ", ")));
  if (summary.late > 0) {
    text += fmt::format("         a lateness of {:.3f} s would have made none late\n",
                        Seconds(summary.lateness_needed));
  }
  if (summary.substituted > 0) {
    text += fmt::format("         {} event times were substituted\n", summary.substituted);
  }
  return text;
}

std::string JsonString(std::string_view text) {
  std::string json;
  AppendJsonText(json, text);
  return json;
}

std::string SummaryJson(const ReplaySummary& summary) {
  const auto members = [](const std::map<std::string, std::uint64_t>& map) {
    std::vector<std::string> parts;
    for (const auto& [name, count] : map) {
      parts.push_back(fmt::format("{}:{}", JsonString(name), count));
    }
    return fmt::format("{{{}}}", fmt::join(parts, ","));
  };
  std::vector<std::string> levels;
  for (std::size_t i = 0; i < kLevels; ++i) {
    levels.push_back(fmt::format("\"{}\":{}", ToString(static_cast<sigma::Level>(i)),
                                 summary.alerts_by_level[i]));
  }
  return fmt::format(
      "{{\"records\":{},\"events\":{},\"bytes\":{},\"tombstones\":{},\"invalid\":{},\"late\":{},"
      "\"dead_letters\":{},\"substituted_times\":{},\"alerts\":{{\"total\":{},\"by_level\":{{{}}},"
      "\"by_rule\":{}}},\"seconds\":{:.6f},\"lateness_needed_seconds\":{:.9f},"
      "\"journal_entries\":{},\"interrupted\":{}}}\n",
      summary.records, summary.events, summary.bytes, summary.tombstones, members(summary.invalid),
      summary.late, summary.dead_letters, summary.substituted, summary.alerts,
      fmt::join(levels, ","), members(summary.alerts_by_rule), Seconds(summary.seconds),
      Seconds(summary.lateness_needed),
      summary.journal_entries ? std::to_string(*summary.journal_entries) : "null", summary.stopped);
}

}  // namespace faultline::app
