#include "lib/tls/pem_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>

#include "lib/io/fd.h"
#include "lib/tls/classify.h"

namespace posthaste::tls {
namespace {

constexpr std::size_t kFileBytesMax =
    std::size_t{4} * 1024 * 1024;  // a whole system's roots fit in

tl::unexpected<Error> unreadable(const std::string& path, const char* role, int error) {
  if (error == ENOENT) {
    return fail(ErrorCode::kNotFound,
                fmt::format("{} {} does not exist: put the PEM file there or correct the path",
                            role, path));
  }
  return fail(ErrorCode::kInvalid,
              fmt::format("cannot read {} {}: {}{}", role, path, std::strerror(error),
                          error == EACCES ? "; the daemon's user must be allowed to read it" : ""));
}

}  // namespace

Result<std::string> read_pem_file(const std::string& path, const char* role) {
  const io::Fd fd(open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd) return unreadable(path, role, errno);
  std::string content;
  std::array<char, 16384> buffer;
  for (;;) {
    const ssize_t n = read(fd.get(), buffer.data(), buffer.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return unreadable(path, role, errno);
    if (n == 0) return content;
    content.append(buffer.data(), static_cast<std::size_t>(n));
    if (content.size() > kFileBytesMax) {
      return fail(ErrorCode::kInvalid,
                  fmt::format("{} {} is larger than 4 MiB: that is no PEM file", role, path));
    }
  }
}

Status whole_file(const std::string& path, const char* block) {
  const unsigned long end = take_error();
  if (end == 0 || ERR_GET_REASON(end) == PEM_R_NO_START_LINE) return {};
  return fail(
      ErrorCode::kInvalid,
      fmt::format("{}: {} in it is damaged; copy the file again from its source", path, block));
}

}  // namespace posthaste::tls
