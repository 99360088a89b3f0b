// SPDX-License-Identifier: MIT
#pragma once

#include <sys/stat.h>
#include <sys/types.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/owned_fd.hpp"
#include "base/status.hpp"
#include "multiprocess/uuid.hpp"

namespace promplug {

// Files of one directory that processes of one user share, by their names in it: whatever the
// process does to its working or root directory. Symbolic links are not followed, nothing waits,
// every descriptor is closed by exec. Only regular files count that belong to this user or to the
// owner of the directory: in one that everybody may write to, others put files that they like.
// Every error is kIo unless said otherwise, with a text that names the file. Thread-safe.
class SetFiles {
 public:
  // `fd`: the directory, open for reading, described by `directory`; `path`: how it is called.
  SetFiles(std::string path, OwnedFd fd, const struct stat& directory);

  const std::string& path() const { return path_; }
  int fd() const { return fd_.get(); }

  // `access`: O_RDONLY or O_RDWR. kNotFound; kInvalid: none that counts.
  Result<OwnedFd> Open(const std::string& name, int access) const;
  // For reading and writing; made, with nothing in it, if it is not there. kInvalid, as Open().
  Result<OwnedFd> OpenOrCreate(const std::string& name) const;

  // A new file under the name NewName(uuid), flocked: to be filled and renamed. Without a flock it
  // is a remnant.
  struct NewFile {
    Uuid uuid;
    OwnedFd fd;
  };
  Result<NewFile> CreateNew() const;
  static std::string NewName(const Uuid& uuid);
  static bool IsNewName(std::string_view name);
  // A file `name` with these contents, instead of the one that may be there: readers see one or the
  // other. On an error nothing changed.
  Status Replace(const std::string& name, std::string_view bytes) const;

  Status Rename(const std::string& from, const std::string& to) const;
  // One that is not there is fine.
  Status Remove(const std::string& name) const;
  // Whether a file of this name may be there: also true where that cannot be found out.
  bool MayExist(const std::string& name) const;
  // Whether `name` is the file that `fd` has open.
  bool IsNameOf(const std::string& name, int fd) const;
  // All names there are at the moment.
  Result<std::vector<std::string>> Names() const;

  // The first `max_bytes` bytes.
  Result<std::string> Read(int fd, const std::string& name, uint64_t max_bytes) const;

  // flock, `operation` being LOCK_SH or LOCK_EX. False: somebody else holds it.
  static Result<bool> TryLock(int fd, int operation);

 private:
  Status Failed(const std::string& name, std::string_view what, int error) const;
  Status WhyNotOurs(const std::string& name, const struct stat& file) const;
  void GiveToSet(int fd) const;

  std::string path_;
  OwnedFd fd_;
  uid_t owner_;
  gid_t group_;
};

}  // namespace promplug
