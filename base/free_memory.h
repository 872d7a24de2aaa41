// SPDX-License-Identifier: Apache-2.0
#pragma once

namespace faultline {

// Leaves a container empty and gives its memory back. `container = {}` keeps it: that takes over the
// elements of a list that has none.
template <typename Container>
void FreeMemory(Container& container) noexcept {
  Container().swap(container);
}

}  // namespace faultline
