// SPDX-License-Identifier: MIT
#pragma once

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sched.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <stdexcept>
#include <string>
#include <vector>

#include "multiprocess/set_directory.hpp"

namespace promplug::test {

inline constexpr uid_t kNobody = 65534;

// An empty directory on a tmpfs, removed at the end.
class SetFolder {
 public:
  explicit SetFolder(const std::string& parent = "/dev/shm") {
    std::string pattern = parent + "/promplug-set-XXXXXX";
    EXPECT_NE(::mkdtemp(pattern.data()), nullptr) << pattern;
    path_ = pattern;
  }
  ~SetFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  SetFolder(const SetFolder&) = delete;
  SetFolder& operator=(const SetFolder&) = delete;

  const std::string& path() const { return path_; }
  std::string operator/(const std::string& name) const { return path_ + "/" + name; }

  std::vector<std::string> Names() const {
    std::vector<std::string> names;
    for (const auto& entry : std::filesystem::directory_iterator(path_)) {
      names.push_back(entry.path().filename());
    }
    std::sort(names.begin(), names.end());
    return names;
  }

 private:
  std::string path_;
};

// While it is there, so many descriptors can be opened.
class FewDescriptors {
 public:
  explicit FewDescriptors(int few) {
    EXPECT_EQ(::getrlimit(RLIMIT_NOFILE, &before_), 0);
    const OwnedFd lowest(::dup(0));
    rlimit limit = before_;
    limit.rlim_cur = static_cast<rlim_t>(lowest.get() + few);
    EXPECT_EQ(::setrlimit(RLIMIT_NOFILE, &limit), 0);
  }
  ~FewDescriptors() { EXPECT_EQ(::setrlimit(RLIMIT_NOFILE, &before_), 0); }
  FewDescriptors(const FewDescriptors&) = delete;
  FewDescriptors& operator=(const FewDescriptors&) = delete;

 private:
  rlimit before_{};
};

inline SetDirectory OpenSet(const std::string& path) {
  Result<SetDirectory> opened = SetDirectory::Open(path, false);
  if (!opened.ok()) throw std::runtime_error(opened.status().text());
  return std::move(opened).value();
}

// Another process. Its body runs first, and then it waits to be killed.
class Child {
 public:
  // How the child is made: as a program does it, or so that no fork handler runs.
  enum class By { kFork, kClone };

  // Returns when the body has.
  template <typename Body>
  explicit Child(const Body& body, By by = By::kFork) {
    int ready[2];
    EXPECT_EQ(::pipe2(ready, O_CLOEXEC), 0);
    pid_ =
        by == By::kFork ? ::fork() : static_cast<pid_t>(::syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0));
    if (pid_ == 0) {
      ::prctl(PR_SET_PDEATHSIG, by == By::kFork ? SIGKILL : 0);
      body();
      (void)!::write(ready[1], "r", 1);
      for (;;) ::pause();
    }
    ::close(ready[1]);
    char byte = 0;
    EXPECT_EQ(::read(ready[0], &byte, 1), 1) << "the child ended by itself";
    ::close(ready[0]);
  }
  ~Child() { Kill(); }
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;

  // Returns when it is gone.
  void Kill() {
    if (pid_ <= 0) return;
    ::kill(pid_, SIGKILL);
    EXPECT_EQ(::waitpid(pid_, nullptr, 0), pid_);
    pid_ = -1;
  }

 private:
  pid_t pid_ = -1;
};

// What `body` says in another process: what is wrong, or nothing.
template <typename Body>
std::string SaidInChild(const Body& body) {
  int pipe[2];
  EXPECT_EQ(::pipe2(pipe, O_CLOEXEC), 0);
  const pid_t pid = ::fork();
  if (pid == 0) {
    const std::string said = body();
    (void)!::write(pipe[1], said.data(), said.size());
    ::_exit(0);
  }
  ::close(pipe[1]);
  std::string said;
  char part[512];
  for (ssize_t n = 0; (n = ::read(pipe[0], part, sizeof part)) > 0;) said.append(part, n);
  ::close(pipe[0]);
  int status = -1;
  EXPECT_EQ(::waitpid(pid, &status, 0), pid);
  if (WIFSIGNALED(status)) said += "ended by signal " + std::to_string(WTERMSIG(status));
  return said;
}

// In a child: mounts a file system of this type there, for itself alone. False: it may not.
inline bool MountForItself(const std::string& path, const char* type, const char* data) {
  if (::unshare(CLONE_NEWNS) != 0 && ::unshare(CLONE_NEWUSER | CLONE_NEWNS) != 0) return false;
  (void)::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr);
  return ::mount("none", path.c_str(), type, 0, data) == 0;
}

// In a child: another user than root from here on.
inline void BecomeNobody() {
  if (::geteuid() == 0) (void)!::setresuid(kNobody, kNobody, kNobody);
}

}  // namespace promplug::test
