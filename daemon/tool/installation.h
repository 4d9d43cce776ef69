// Installation: the configuration that the tool takes its defaults from.
//
// Threads      main. Reads one file.
// Does not     need a file: without one the built-in defaults count.
#pragma once

#include <string>
#include <vector>

#include "config/config.h"
#include "config/load.h"
#include "lib/base/result.h"

namespace posthaste::daemon::tool {

inline constexpr const char* kDefaultConfigFile = "/etc/posthaste/posthaste.yaml";

// All of a file, or of standard input for "-". Error: kNotFound, kIo, kFull, with the file's name.
Result<std::string> read_text(const std::string& file);

// Reads and checks a file. Error: it cannot be read.
Result<config::LoadResult> check_file(const std::string& file);

struct Installation {
  config::Config config;
  std::string warning;  // the default file is there, but is of no use
};
// `file`: what --config says; empty: the default file where it can be read, else the built-in
// defaults. Error: a named file that cannot be read, or has errors.
Result<Installation> find_installation(const std::string& file);

}  // namespace posthaste::daemon::tool
