// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "matcher/event/shapes.h"

namespace faultline {

// The built-in shapes (shapes.yaml), alive to the end of the program.
[[nodiscard]] std::shared_ptr<const ShapeSet> BuiltInShapes();

// Adds the shapes of one file (docs/shapes.md) to `shapes`; one of a known name replaces it, and
// may extend what it replaces.
// Errors     Fault::kConfig with the place; then `shapes` is as it was.
[[nodiscard]] Result<void> ReadShapes(std::string_view text, const std::string& file,
                                      ShapeSet& shapes);

// The built-in shapes and those of `files`, read in their order.
// Errors     Fault::kConfig; Fault::kIo for a file that cannot be read.
[[nodiscard]] Result<std::shared_ptr<const ShapeSet>> LoadShapes(
    const std::vector<std::string>& files);

}  // namespace faultline
