// SPDX-License-Identifier: Apache-2.0
#include "tests/reference/typed_values.h"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <regex>
#include <vector>

namespace faultline::reference {
namespace {

__extension__ using Wide = __int128;

bool AllDigits(const std::string& text) {
  return !text.empty() &&
         std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

// Cuts `text` at the first of `marks`; the rest goes to `tail`. False when none is there.
bool CutAt(std::string& text, const char* marks, std::string& tail) {
  const std::size_t at = text.find_first_of(marks);
  if (at == text.npos) return false;
  tail = text.substr(at + 1);
  text.resize(at);
  return true;
}

std::vector<std::string> Split(const std::string& text, char mark) {
  std::vector<std::string> parts(1);
  for (const char c : text) {
    if (c == mark) {
      parts.emplace_back();
    } else {
      parts.back() += c;
    }
  }
  return parts;
}

std::string Bits(unsigned long value, int width) {
  std::string bits;
  for (int i = width - 1; i >= 0; --i) bits += (value >> i & 1) != 0 ? '1' : '0';
  return bits;
}

std::string BitsOfV4(const std::string& text) {
  std::string bits;
  const std::vector<std::string> parts = Split(text, '.');
  if (parts.size() != 4) return {};
  for (const std::string& part : parts) {
    if (!AllDigits(part) || part.size() > 3 || (part.size() > 1 && part[0] == '0')) return {};
    if (std::stoul(part) > 255) return {};
    bits += Bits(std::stoul(part), 8);
  }
  return bits;
}

// Groups of sixteen bits between colons; the last may be an IPv4 address. False when one is none.
bool AppendGroups(const std::string& text, bool last, std::string& bits) {
  if (text.empty()) return true;
  const std::vector<std::string> groups = Split(text, ':');
  for (std::size_t i = 0; i < groups.size(); ++i) {
    const std::string& group = groups[i];
    if (last && i + 1 == groups.size() && group.find('.') != group.npos) {
      const std::string v4 = BitsOfV4(group);
      bits += v4;
      return !v4.empty();
    }
    const bool hex = group.find_first_not_of("0123456789abcdefABCDEF") == group.npos;
    if (group.empty() || group.size() > 4 || !hex) return false;
    bits += Bits(std::stoul(group, nullptr, 16), 16);
  }
  return true;
}

std::string BitsOfV6(std::string text) {
  std::string zone, front = text, back;
  if (CutAt(front, "%", zone) && zone.empty()) return {};
  const std::size_t gap = front.find("::");
  const bool gapped = gap != front.npos;
  if (gapped) {
    back = front.substr(gap + 2);
    front.resize(gap);
  }
  std::string front_bits, back_bits;
  if (!AppendGroups(front, !gapped, front_bits)) return {};
  if (!AppendGroups(back, true, back_bits)) return {};
  const std::size_t given = front_bits.size() + back_bits.size();
  if (gapped ? given > 112 : given != 128) return {};
  return front_bits + std::string(128 - given, '0') + back_bits;
}

const std::string& MappedBits() {
  static const std::string bits = std::string(80, '0') + std::string(16, '1');
  return bits;
}

bool Leap(int year) { return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0; }

int DaysOfMonth(int year, int month) {
  static constexpr std::array kDays{31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  return kDays[static_cast<std::size_t>(month - 1)] + (month == 2 && Leap(year) ? 1 : 0);
}

int DaysOfYear(int year) { return Leap(year) ? 366 : 365; }

// Days since 1970-01-01, counted year by year.
long DaysBefore(int year, int month, int day) {
  long days = day - 1;
  for (int y = 1970; y < year; ++y) days += DaysOfYear(y);
  for (int y = year; y < 1970; ++y) days -= DaysOfYear(y);
  for (int m = 1; m < month; ++m) days += DaysOfMonth(year, m);
  return days;
}

constexpr Wide kSecond = 1000000000;
constexpr Wide kDay = 86400 * kSecond;

std::optional<Wide> CivilNanos(const std::string& text) {
  static const std::regex kForm(
      R"((\d{4})-(\d\d)-(\d\d)(?:[Tt ](\d\d):(\d\d):(\d\d)(?:[.,](\d+))?( UTC|Z|z|)"
      R"(([+-])(\d\d)(?::?(\d\d))?)?)?)");
  std::smatch part;
  if (text.size() > 200 || !std::regex_match(text, part, kForm)) return std::nullopt;
  const auto number = [&part](std::size_t i) {
    return part[i].length() == 0 ? 0 : std::stoi(part[i].str());
  };
  const int year = number(1), month = number(2), day = number(3);
  if (month < 1 || month > 12 || day < 1 || day > DaysOfMonth(year, month)) return std::nullopt;
  if (number(4) > 23 || number(5) > 59 || number(6) > 60) return std::nullopt;
  if (number(10) > 23 || number(11) > 59) return std::nullopt;
  // A leap second is the first instant after it.
  const std::string fraction = number(6) == 60 ? "0" : (part[7].str() + "000000000").substr(0, 9);
  Wide seconds = number(4) * 3600 + number(5) * 60 + number(6);
  const int zone = (number(10) * 60 + number(11)) * 60;
  seconds -= part[9] == "-" ? -zone : zone;
  return DaysBefore(year, month, day) * kDay + seconds * kSecond + std::stol(fraction);
}

// Seconds, milliseconds, microseconds, nanoseconds: twelve digits and more are no seconds, and so
// on in steps of three.
std::optional<Wide> EpochNanos(std::string text) {
  std::string fraction;
  const bool negative = text.starts_with("-");
  if (negative) text.erase(0, 1);
  const bool point = CutAt(text, ".", fraction);
  if (!AllDigits(text) || (point && !AllDigits(fraction))) return std::nullopt;
  text.erase(0, std::min(text.find_first_not_of('0'), text.size() - 1));
  if (text.size() > 19) return std::nullopt;
  Wide nanos = static_cast<Wide>(std::stoull(text));
  if (text.size() < 12) {
    nanos = nanos * kSecond + std::stol((fraction + "000000000").substr(0, 9));
  } else {
    if (point) return std::nullopt;
    if (text.size() < 15) nanos *= 1000000;
    if (text.size() >= 15 && text.size() < 18) nanos *= 1000;
  }
  return negative ? -nanos : nanos;
}

}  // namespace

std::string DecimalOf(const std::string& text) {
  std::string whole = text, fraction, exponent;
  const bool negative = whole.starts_with("-");
  if (negative) whole.erase(0, 1);
  long power = 0;
  if (CutAt(whole, "eE", exponent)) {
    const bool down = exponent.starts_with("-");
    if (down || exponent.starts_with("+")) exponent.erase(0, 1);
    if (!AllDigits(exponent)) return {};
    exponent.erase(0, std::min(exponent.find_first_not_of('0'), exponent.size() - 1));
    if (exponent.size() > 4) return {};
    power = std::strtol(exponent.c_str(), nullptr, 10) * (down ? -1 : 1);
  }
  if (CutAt(whole, ".", fraction) && !AllDigits(fraction)) return {};
  if (!AllDigits(whole)) return {};
  std::string digits = whole + fraction;
  power -= static_cast<long>(fraction.size());
  digits.erase(0, std::min(digits.find_first_not_of('0'), digits.size()));
  while (digits.ends_with('0')) {
    digits.pop_back();
    ++power;
  }
  if (digits.empty()) return "0";
  return (negative ? "-" : "+") + digits + "e" + std::to_string(power);
}

int CompareDecimals(const std::string& left, const std::string& right) {
  const auto sign = [](const std::string& n) { return n == "0" ? 0 : n[0] == '-' ? -1 : 1; };
  if (sign(left) != sign(right)) return sign(left) < sign(right) ? -1 : 1;
  if (left == right) return 0;
  // Both as integers in units of the smaller power of ten.
  std::string a = left.substr(1), b = right.substr(1), a_power, b_power;
  CutAt(a, "e", a_power);
  CutAt(b, "e", b_power);
  const long ap = std::stol(a_power), bp = std::stol(b_power);
  a.append(static_cast<std::size_t>(ap - std::min(ap, bp)), '0');
  b.append(static_cast<std::size_t>(bp - std::min(ap, bp)), '0');
  const bool less = a.size() != b.size() ? a.size() < b.size() : a < b;
  return less == (sign(left) > 0) ? -1 : 1;
}

bool Stands(int comparison, sigma::Order order) {
  switch (order) {
    case sigma::Order::kEqual: return comparison == 0;
    case sigma::Order::kLess: return comparison < 0;
    case sigma::Order::kLessOrEqual: return comparison <= 0;
    case sigma::Order::kGreater: return comparison > 0;
    case sigma::Order::kGreaterOrEqual: return comparison >= 0;
  }
  return false;
}

std::string BitsOfAddress(const std::string& text) {
  if (text.find(':') == text.npos) return BitsOfV4(text);
  const std::string bits = BitsOfV6(text);
  return bits.starts_with(MappedBits()) ? bits.substr(96) : bits;
}

NetworkBits BitsOfNetwork(const sigma::Network& network) {
  std::string bits;
  for (const std::uint8_t byte : network.address) bits += Bits(byte, 8);
  bits.resize(network.prefix);
  if (bits.starts_with(MappedBits())) return {false, bits.substr(96)};
  return {true, bits};
}

std::optional<std::int64_t> TimePartOf(const std::string& text, sigma::TimeUnit unit) {
  const bool civil = text.size() >= 10 && text[4] == '-';
  const std::optional<Wide> nanos = civil ? CivilNanos(text) : EpochNanos(text);
  if (!nanos || *nanos < DaysBefore(1678, 1, 1) * kDay || *nanos >= DaysBefore(2262, 1, 1) * kDay) {
    return std::nullopt;
  }
  int year = 1678;
  Wide left = *nanos - DaysBefore(1678, 1, 1) * kDay;
  const int weekday = static_cast<int>((left / kDay + 5) % 7) + 1;  // that year began on a Saturday
  for (; left >= DaysOfYear(year) * kDay; ++year) left -= DaysOfYear(year) * kDay;
  const int day_of_year = static_cast<int>(left / kDay) + 1;
  int month = 1;
  for (; left >= DaysOfMonth(year, month) * kDay; ++month) left -= DaysOfMonth(year, month) * kDay;
  switch (unit) {
    case sigma::TimeUnit::kMinute: return static_cast<std::int64_t>(left / (60 * kSecond) % 60);
    case sigma::TimeUnit::kHour: return static_cast<std::int64_t>(left / (3600 * kSecond) % 24);
    case sigma::TimeUnit::kDay: return static_cast<std::int64_t>(left / kDay) + 1;
    case sigma::TimeUnit::kMonth: return month;
    case sigma::TimeUnit::kYear: return year;
    case sigma::TimeUnit::kWeek: break;
  }
  // ISO 8601: by the day of the year and the weekday; 53 only where the year has that many.
  const auto long_year = [](int y) {
    const auto last_weekday = [](int z) { return (z + z / 4 - z / 100 + z / 400) % 7; };
    return last_weekday(y) == 4 || last_weekday(y - 1) == 3;
  };
  const int week = (day_of_year - weekday + 10) / 7;
  if (week < 1) return long_year(year - 1) ? 53 : 52;
  return week == 53 && !long_year(year) ? 1 : week;
}

}  // namespace faultline::reference
