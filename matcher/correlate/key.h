// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "base/hash.h"
#include "matcher/correlate/hit.h"

namespace faultline {

// At most so many groups does one event count for, when grouped fields hold arrays.
inline constexpr std::size_t kMaxKeysPerHit = 16;

// A KEY: the values of a correlation's group-by fields, in its order. Compared as text, exactly, by
// a 128-bit hash of them.
struct GroupKey {
  std::vector<NamedValue> group;  // as the alert shows it
  Digest digest;

  [[nodiscard]] static GroupKey Of(std::vector<NamedValue> group);
};

// The groups that `hit` counts for under the names `group_by`, read from its `fields`: one for
// scalars, the product of the values for arrays (the first kMaxKeysPerHit of it), none when a field
// is absent. Without group_by: the one global group.
[[nodiscard]] std::vector<GroupKey> KeysOf(const Hit& hit, const std::vector<std::string>& group_by,
                                           const std::vector<std::string>& fields);

}  // namespace faultline
