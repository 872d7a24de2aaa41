// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace faultline::testing {

// A program as a user runs it, in a process of its own; killed with this object and with the test.
//
// Output and errors go to files of a fresh folder, so that no pipe can fill.
class Program {
 public:
  // Starts `arguments[0]`, found by PATH, with standard input from `input` (empty: nothing).
  explicit Program(const std::vector<std::string>& arguments, const std::string& input = {});
  ~Program();
  Program(const Program&) = delete;
  Program& operator=(const Program&) = delete;

  void Signal(int signal) const;
  // Waits for the end; the exit code, or 128 + the signal that ended it.
  int Wait();
  // The exit code once it has ended.
  [[nodiscard]] std::optional<int> Ended();
  [[nodiscard]] std::string Output() const;
  [[nodiscard]] std::string Errors() const;

 private:
  std::filesystem::path folder_;
  pid_t pid_ = -1;
  std::optional<int> code_;
};

// A folder of its own that goes with the object.
class TemporaryFolder {
 public:
  TemporaryFolder();
  ~TemporaryFolder();
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;

  [[nodiscard]] const std::filesystem::path& path() const noexcept { return path_; }
  // Writes a file and returns its path.
  std::string Write(const std::string& name, const std::string& text) const;

 private:
  std::filesystem::path path_;
};

struct HttpAnswer {
  int status = 0;  // 0: no answer
  std::string body;
};

// GET `path` from "127.0.0.1:PORT".
[[nodiscard]] HttpAnswer HttpGet(const std::string& address, const std::string& path);

}  // namespace faultline::testing
