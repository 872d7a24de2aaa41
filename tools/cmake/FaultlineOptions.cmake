# SPDX-License-Identifier: Apache-2.0
# Options of the build and the flags that every target of ours gets (target faultline_flags).
option(FAULTLINE_TESTS "Build the tests" ON)
option(FAULTLINE_BENCH "Build the benchmarks" ON)
option(FAULTLINE_FUZZ "Build the libFuzzer programs (clang); the replay mains are always built" OFF)
option(FAULTLINE_COVERAGE "Instrument for coverage" OFF)
option(FAULTLINE_PCH "Precompile the headers that nearly every file includes (g++)" ON)
set(FAULTLINE_SANITIZE "" CACHE STRING "Sanitizers: empty, 'address,undefined' or 'thread'")

set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
set(CMAKE_RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/bin)
if(NOT CMAKE_BUILD_TYPE)
  set(CMAKE_BUILD_TYPE RelWithDebInfo)
endif()

include(CheckPIESupported)
check_pie_supported(LANGUAGES CXX)
set(CMAKE_CXX_FLAGS_RELEASE "-O2 -g1 -DNDEBUG")

find_program(FAULTLINE_CCACHE ccache)
if(FAULTLINE_CCACHE)
  # ccache and precompiled headers: https://ccache.dev/manual/latest.html#_precompiled_headers
  set(CMAKE_CXX_COMPILER_LAUNCHER
    ${CMAKE_COMMAND} -E env CCACHE_SLOPPINESS=pch_defines,time_macros ${FAULTLINE_CCACHE})
endif()

add_library(faultline_flags INTERFACE)
target_include_directories(faultline_flags INTERFACE ${CMAKE_SOURCE_DIR})
target_compile_options(faultline_flags INTERFACE
  -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wnon-virtual-dtor -Wno-sign-conversion -Werror
  -fstack-protector-strong -fcf-protection -fno-strict-overflow)
target_compile_definitions(faultline_flags INTERFACE _GLIBCXX_ASSERTIONS)
target_link_options(faultline_flags INTERFACE -Wl,-z,relro,-z,now -Wl,-z,noexecstack)
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  target_compile_options(faultline_flags INTERFACE -fstack-clash-protection)
endif()
if(CMAKE_BUILD_TYPE STREQUAL "Release")
  target_compile_options(faultline_flags INTERFACE -ffile-prefix-map=${CMAKE_SOURCE_DIR}=.)
endif()
if(FAULTLINE_SANITIZE)
  target_compile_options(faultline_flags INTERFACE
    -fsanitize=${FAULTLINE_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=all
    # Instrumented code makes g++ 12 warn of what is not there (PR 105562, 105329). The other presets judge.
    -Wno-error)
  target_link_options(faultline_flags INTERFACE -fsanitize=${FAULTLINE_SANITIZE})
elseif(NOT CMAKE_BUILD_TYPE STREQUAL "Debug")
  target_compile_options(faultline_flags INTERFACE -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=3)
endif()
if(FAULTLINE_FUZZ)  # every line of ours tells libFuzzer where an input went
  target_compile_options(faultline_flags INTERFACE -fsanitize=fuzzer-no-link)
endif()
if(FAULTLINE_COVERAGE)
  target_compile_options(faultline_flags INTERFACE --coverage)
  target_link_options(faultline_flags INTERFACE --coverage)
endif()

if(FAULTLINE_PCH AND CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  target_compile_options(faultline_flags INTERFACE -fpch-preprocess)
endif()

# faultline_precompile(TARGET FROM): TARGET uses the precompiled header of FROM, where there is one.
function(faultline_precompile target from)
  if(TARGET ${from})
    target_precompile_headers(${target} REUSE_FROM ${from})
  endif()
endfunction()

# faultline_library(NAME [SOURCES ...] [HEADERS ...] [DEPENDS ...] [PRIVATE_DEPENDS ...])
# One static library per folder, as faultline::NAME.
function(faultline_library name)
  cmake_parse_arguments(ARG "" "" "SOURCES;HEADERS;DEPENDS;PRIVATE_DEPENDS" ${ARGN})
  add_library(faultline_${name} STATIC ${ARG_SOURCES})
  add_library(faultline::${name} ALIAS faultline_${name})
  target_sources(faultline_${name} PUBLIC FILE_SET HEADERS
    BASE_DIRS ${CMAKE_SOURCE_DIR} FILES ${ARG_HEADERS})
  set_target_properties(faultline_${name} PROPERTIES VERIFY_INTERFACE_HEADER_SETS ON)
  target_link_libraries(faultline_${name} PUBLIC faultline_flags ${ARG_DEPENDS}
                                          PRIVATE ${ARG_PRIVATE_DEPENDS})
  faultline_precompile(faultline_${name} faultline_pch)
endfunction()
