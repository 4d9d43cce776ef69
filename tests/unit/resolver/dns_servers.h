// NameServer and ValidatingResolver: a real nsd and a real unbound on free loopback ports, for the
// life of a test.
//
// Their files lie in a temporary folder that goes with them; they die with the test program,
// however that ends.
#pragma once

#include <sys/types.h>

#include <memory>
#include <string>
#include <vector>

#include "lib/base/ip.h"

namespace posthaste::resolver {

class TemporaryFolder {
 public:
  TemporaryFolder();
  ~TemporaryFolder();
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;
  const std::string& path() const { return path_; }
  std::string file(const std::string& name) const { return path_ + "/" + name; }
  // Returns its full name.
  std::string write(const std::string& name, const std::string& text) const;
  std::string read(const std::string& name) const;

 private:
  std::string path_;
};

// A child process. The constructor returns when it has said `ready` on its standard error.
class Daemon {
 public:
  Daemon(const std::vector<std::string>& command, const std::string& ready);
  ~Daemon();
  Daemon(const Daemon&) = delete;
  Daemon& operator=(const Daemon&) = delete;

 private:
  pid_t pid_ = -1;
  int said_ = -1;  // its standard error
};

// Runs to its end in `folder`; returns what it printed. CHECKs that it succeeds.
std::string run_in(const std::string& folder, const std::vector<std::string>& command);

struct Zone {
  std::string name;
  std::string records;  // zone file, without SOA and NS
  bool sign = false;
  bool tamper = false;  // after signing, so that it is bogus
};

// An authoritative nsd.
class NameServer {
 public:
  explicit NameServer(const std::vector<Zone>& zones);
  const Endpoint& endpoint() const { return endpoint_; }
  const std::vector<std::string>& trust_anchors() const { return trust_anchors_; }  // files

 private:
  std::string prepare(const Zone& zone);  // returns its zone file

  TemporaryFolder folder_;
  Endpoint endpoint_;
  std::vector<std::string> trust_anchors_;
  std::unique_ptr<Daemon> daemon_;
};

// An unbound that finds these zones at `source`, and validates where they are signed.
class ValidatingResolver {
 public:
  ValidatingResolver(const NameServer& source, const std::vector<Zone>& zones);
  const Endpoint& endpoint() const { return endpoint_; }

 private:
  TemporaryFolder folder_;
  Endpoint endpoint_;
  std::unique_ptr<Daemon> daemon_;
};

}  // namespace posthaste::resolver
