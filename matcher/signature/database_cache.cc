// SPDX-License-Identifier: Apache-2.0
#include "matcher/signature/database_cache.h"

#include <hs/hs.h>

#include <cstring>
#include <string_view>
#include <utility>

namespace faultline {
namespace {

constexpr std::string_view kFormat = "faultline databases 1";

void Put(std::string& out, std::uint64_t number) {
  char bytes[sizeof number];
  std::memcpy(bytes, &number, sizeof number);
  out.append(bytes, sizeof bytes);
}

// Takes numbers and texts off the front; everything after a fault is a fault.
class Taker {
 public:
  explicit Taker(std::string_view bytes) : rest_(bytes) {}

  std::uint64_t Number() {
    std::uint64_t number = 0;
    const std::string_view bytes = Bytes(sizeof number);
    if (good_) std::memcpy(&number, bytes.data(), sizeof number);
    return number;
  }
  std::string_view Bytes(std::uint64_t size) {
    good_ = good_ && size <= rest_.size();
    if (!good_) return {};
    const std::string_view taken = rest_.substr(0, size);
    rest_.remove_prefix(size);
    return taken;
  }
  [[nodiscard]] bool good() const { return good_; }
  [[nodiscard]] std::string_view rest() const { return rest_; }

 private:
  std::string_view rest_;
  bool good_ = true;
};

}  // namespace

void DatabaseCache::Open(std::string owner) {
  owner_ = std::move(owner);
  const std::string bytes = std::exchange(bytes_, {});
  const std::string header = Header();
  Taker taker(bytes);
  if (taker.Bytes(header.size()) != header || !taker.good()) return;
  const std::uint64_t high = taker.Number(), low = taker.Number();
  if (!taker.good() || Digest{high, low} != DigestOf(taker.rest())) return;
  std::map<Digest, std::string> read;
  while (taker.good() && !taker.rest().empty()) {
    const std::uint64_t key_high = taker.Number(), key_low = taker.Number();
    read.emplace(Digest{key_high, key_low}, taker.Bytes(taker.Number()));
  }
  if (!taker.good()) return;
  databases_ = std::move(read);
  warm_ = true;
}

// Hyperscan's own version and what it would compile for on this processor.
std::string DatabaseCache::Header() const {
  hs_platform_info_t platform{};
  static_cast<void>(hs_populate_platform(&platform));
  std::string header;
  for (const std::string_view part :
       {kFormat, std::string_view(hs_version()), std::string_view(owner_)}) {
    Put(header, part.size());
    header.append(part);
  }
  Put(header, platform.tune);
  Put(header, platform.cpu_features);
  return header;
}

bool DatabaseCache::changed() const {
  const std::lock_guard lock(mutex_);
  return changed_;
}

std::string DatabaseCache::Serialize() const {
  const std::lock_guard lock(mutex_);
  std::string body;
  for (const auto& [key, database] : databases_) {
    Put(body, key.high);
    Put(body, key.low);
    Put(body, database.size());
    body += database;
  }
  const Digest digest = DigestOf(body);
  std::string bytes = Header();
  Put(bytes, digest.high);
  Put(bytes, digest.low);
  return bytes + body;
}

void DatabaseCache::Release() {
  const std::lock_guard lock(mutex_);
  databases_.clear();
  released_ = true;
}

std::string DatabaseCache::Find(const Digest& key) const {
  const std::lock_guard lock(mutex_);
  const auto found = databases_.find(key);
  return found == databases_.end() ? std::string() : found->second;
}

bool DatabaseCache::Has(const Digest& key) const {
  const std::lock_guard lock(mutex_);
  return released_ || databases_.contains(key);
}

void DatabaseCache::Keep(const Digest& key, std::string serialized) {
  const std::lock_guard lock(mutex_);
  if (released_) return;
  changed_ = databases_.emplace(key, std::move(serialized)).second || changed_;
}

}  // namespace faultline
