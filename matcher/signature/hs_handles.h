// SPDX-License-Identifier: Apache-2.0
#pragma once

#define PCRE2_CODE_UNIT_WIDTH 8
#include <hs/hs.h>
#include <pcre2.h>

#include <memory>

namespace faultline {

// RAII for Hyperscan's and PCRE2's handles: each is owned from birth, a database by all who scan with it.
struct HsScratchDeleter {
  void operator()(hs_scratch_t* scratch) const noexcept { hs_free_scratch(scratch); }
};
struct HsCompileErrorDeleter {
  void operator()(hs_compile_error_t* error) const noexcept { hs_free_compile_error(error); }
};
using HsDatabase = std::shared_ptr<const hs_database_t>;
using HsScratch = std::unique_ptr<hs_scratch_t, HsScratchDeleter>;
using HsCompileError = std::unique_ptr<hs_compile_error_t, HsCompileErrorDeleter>;

struct PcreCodeDeleter {
  void operator()(pcre2_code* code) const noexcept { pcre2_code_free(code); }
};
struct PcreMatchDataDeleter {
  void operator()(pcre2_match_data* data) const noexcept { pcre2_match_data_free(data); }
};
struct PcreMatchContextDeleter {
  void operator()(pcre2_match_context* context) const noexcept {
    pcre2_match_context_free(context);
  }
};
using PcreCode = std::unique_ptr<pcre2_code, PcreCodeDeleter>;
using PcreMatchData = std::unique_ptr<pcre2_match_data, PcreMatchDataDeleter>;
using PcreMatchContext = std::unique_ptr<pcre2_match_context, PcreMatchContextDeleter>;

}  // namespace faultline
