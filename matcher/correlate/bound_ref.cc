// SPDX-License-Identifier: Apache-2.0
#include "matcher/correlate/bound_ref.h"

#include <utility>

namespace faultline {
namespace {

constexpr std::int64_t kRefBytes = 16;
constexpr std::int64_t kBoundBytes = 128;
constexpr std::int64_t kValueBytes = 64;

Bound ReadBound(StateReader& in) {
  Bound bound;
  bound.input = in.U32();
  bound.time = in.Time();
  bound.origin = in.Place();
  bound.turn = in.I32();
  bound.values = in.Named();
  bound.captures = in.U32();
  if (bound.captures > bound.values.size()) in.Refuse();
  return bound;
}

}  // namespace

std::int64_t BytesOf(const BoundRef& bound) {
  std::int64_t bytes =
      kRefBytes + kBoundBytes + static_cast<std::int64_t>(bound->origin.source.topic.size());
  for (const NamedValue& value : bound->values) {
    bytes += kValueBytes + static_cast<std::int64_t>(value.name.size() + value.value.size());
  }
  return bytes;
}

std::int64_t BytesOf(const BoundRefs& bounds) {
  std::int64_t bytes = 0;
  for (const BoundRef& bound : bounds) bytes += BytesOf(bound);
  return bytes;
}

BoundStep Materialised(const BoundRefs& bounds) {
  BoundStep step;
  for (const BoundRef& bound : bounds) step.push_back(*bound);
  return step;
}

void BoundWriter::Write(const BoundRef& bound) {
  const auto [found, fresh] = seen_.emplace(bound.get(), static_cast<std::uint32_t>(seen_.size()));
  out_->U32(found->second);
  if (!fresh) return;
  out_->U32(bound->input);
  out_->Time(bound->time);
  out_->Place(bound->origin);
  out_->I32(bound->turn);
  out_->Named(bound->values);
  out_->U32(bound->captures);
}

void BoundWriter::Write(const BoundRefs& bounds) {
  out_->U32(static_cast<std::uint32_t>(bounds.size()));
  for (const BoundRef& bound : bounds) Write(bound);
}

BoundRef BoundReader::Read() {
  const std::uint32_t number = in_->U32();
  if (in_->ok() && number < seen_.size()) return seen_[number];
  if (number > seen_.size()) in_->Refuse();
  auto bound = std::make_shared<const Bound>(ReadBound(*in_));
  if (bound->input >= inputs_) in_->Refuse();
  if (!in_->ok()) return nullptr;
  seen_.push_back(bound);
  return bound;
}

BoundRefs BoundReader::ReadAll() {
  BoundRefs bounds(in_->Count(4));
  for (BoundRef& bound : bounds) bound = Read();
  if (!in_->ok()) bounds.clear();
  return bounds;
}

}  // namespace faultline
