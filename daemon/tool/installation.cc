#include "daemon/tool/installation.h"

#include <fmt/format.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <memory>

#include "lib/base/check.h"

namespace posthaste::daemon::tool {
namespace {

constexpr std::size_t kTextBytesMax = 256U << 20;

struct FileCloser {
  void operator()(std::FILE* file) const {
    if (file != stdin) std::fclose(file);
  }
};

std::string first_error(const config::LoadResult& loaded) {
  std::string words = config::render_diagnostic(loaded.errors.front());
  if (loaded.errors.size() > 1) words += fmt::format(" (and {} more)", loaded.errors.size() - 1);
  return words;
}

}  // namespace

Result<std::string> read_text(const std::string& file) {
  const std::unique_ptr<std::FILE, FileCloser> in(file == "-" ? stdin
                                                              : std::fopen(file.c_str(), "rbe"));
  if (!in) {
    return fail(errno == ENOENT ? ErrorCode::kNotFound : ErrorCode::kIo,
                fmt::format("cannot read {}: {}", file, std::strerror(errno)));
  }
  std::string text;
  std::string buffer(std::size_t{64} << 10, '\0');
  while (const std::size_t bytes = std::fread(buffer.data(), 1, buffer.size(), in.get())) {
    text.append(buffer, 0, bytes);
    if (text.size() > kTextBytesMax) return fail(ErrorCode::kFull, file + " is too long");
  }
  if (std::ferror(in.get()) != 0) {
    return fail(ErrorCode::kIo, fmt::format("cannot read {}: {}", file, std::strerror(errno)));
  }
  return text;
}

Result<config::LoadResult> check_file(const std::string& file) {
  const auto text = read_text(file);
  if (!text) return tl::unexpected(text.error());
  return config::load_config(*text, file);
}

Result<Installation> find_installation(const std::string& file) {
  const bool named = !file.empty();
  auto loaded = check_file(named ? file : kDefaultConfigFile);
  if (!loaded && named) return tl::unexpected(loaded.error());
  if (loaded && loaded->config) return Installation{std::move(*loaded->config), {}};
  if (loaded && named) return fail(ErrorCode::kInvalid, first_error(*loaded));
  Installation built_in;
  if (loaded) built_in.warning = first_error(*loaded) + "; going on with the built-in defaults";
  auto defaults = config::load_config("", "built-in");
  CHECK(defaults.config.has_value());
  built_in.config = std::move(*defaults.config);
  return built_in;
}

}  // namespace posthaste::daemon::tool
