// SPDX-License-Identifier: Apache-2.0
#include "tests/support/program.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <fstream>

#include <gtest/gtest.h>

#include "tests/support/data.h"

namespace faultline::testing {
namespace {

std::filesystem::path FreshFolder() {
  std::string name = (std::filesystem::temp_directory_path() / "faultline-test-XXXXXX").string();
  if (mkdtemp(name.data()) == nullptr) ADD_FAILURE() << "cannot make a temporary folder";
  return name;
}

int CodeOf(int status) { return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status); }

// In the child: the files in place of the standard streams, then the program.
[[noreturn]] void Become(const std::vector<std::string>& arguments,
                         const std::filesystem::path& folder) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
  const auto redirect = [&folder](const char* name, int flags, int to) {
    const int file = open((folder / name).c_str(), flags, 0600);
    if (file < 0 || dup2(file, to) < 0) _exit(126);
  };
  redirect("in", O_RDONLY, STDIN_FILENO);
  redirect("out", O_WRONLY | O_CREAT | O_TRUNC, STDOUT_FILENO);
  redirect("err", O_WRONLY | O_CREAT | O_TRUNC, STDERR_FILENO);
  std::vector<char*> words;
  for (const std::string& argument : arguments)
    words.push_back(const_cast<char*>(argument.c_str()));
  words.push_back(nullptr);
  execvp(words[0], words.data());
  _exit(127);
}

}  // namespace

Program::Program(const std::vector<std::string>& arguments, const std::string& input)
    : folder_(FreshFolder()) {
  std::ofstream(folder_ / "in", std::ios::binary) << input;
  for (const char* const name : {"out", "err"}) std::ofstream(folder_ / name).flush();
  pid_ = fork();
  if (pid_ == 0) Become(arguments, folder_);
  EXPECT_GT(pid_, 0);
}

Program::~Program() {
  if (!Ended()) {
    Signal(SIGKILL);
    Wait();
  }
  std::error_code ignored;
  std::filesystem::remove_all(folder_, ignored);
}

void Program::Signal(int signal) const {
  if (!code_) kill(pid_, signal);
}

int Program::Wait() {
  if (code_) return *code_;
  int status = 0;
  while (waitpid(pid_, &status, 0) < 0 && errno == EINTR) {
  }
  code_ = CodeOf(status);
  return *code_;
}

std::optional<int> Program::Ended() {
  int status = 0;
  if (!code_ && waitpid(pid_, &status, WNOHANG) == pid_) code_ = CodeOf(status);
  return code_;
}

std::string Program::Output() const { return ReadFile(folder_ / "out"); }
std::string Program::Errors() const { return ReadFile(folder_ / "err"); }

TemporaryFolder::TemporaryFolder() : path_(FreshFolder()) {}

TemporaryFolder::~TemporaryFolder() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

std::string TemporaryFolder::Write(const std::string& name, const std::string& text) const {
  const std::filesystem::path file = path_ / name;
  std::ofstream(file, std::ios::binary) << text;
  return file.string();
}

HttpAnswer HttpGet(const std::string& address, const std::string& path) {
  HttpAnswer answer;
  const std::size_t colon = address.rfind(':');
  const int peer = socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in to{};
  to.sin_family = AF_INET;
  to.sin_port =
      htons(static_cast<std::uint16_t>(std::strtoul(address.c_str() + colon + 1, nullptr, 10)));
  inet_pton(AF_INET, address.substr(0, colon).c_str(), &to.sin_addr);
  const std::string request =
      "GET " + path + " HTTP/1.1\r\nHost: " + address + "\r\nConnection: close\r\n\r\n";
  if (connect(peer, reinterpret_cast<const sockaddr*>(&to), sizeof to) == 0 &&
      send(peer, request.data(), request.size(), MSG_NOSIGNAL) ==
          static_cast<ssize_t>(request.size())) {
    std::string text;
    char buffer[4096];
    for (ssize_t n = 0; (n = recv(peer, buffer, sizeof buffer, 0)) > 0;) {
      text.append(buffer, static_cast<std::size_t>(n));
    }
    const std::size_t body = text.find("\r\n\r\n");
    if (body != std::string::npos && text.size() > 12) {
      answer.status = std::atoi(text.c_str() + 9);
      answer.body = text.substr(body + 4);
    }
  }
  close(peer);
  return answer;
}

}  // namespace faultline::testing
