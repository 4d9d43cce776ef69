// A tiny certificate authority for tests: keys and certificates made on the spot, as PEM, and a
// folder to put them in.
//
// Does not     bring OpenSSL's headers along. Never for anything but tests.
#pragma once

#include <chrono>
#include <string>
#include <vector>

namespace posthaste::tls {

struct TestCertificate {
  std::string certificate_pem = {};
  std::string key_pem = {};
};

struct CertificateOrder {
  enum class Key { kP256, kRsa2048, kRsa1024 };

  std::string common_name = "mx.example.com";
  std::vector<std::string> dns_names = {"mx.example.com"};
  std::vector<std::string> addresses = {};  // IP addresses in the certificate
  Key key = Key::kP256;
  bool authority = false;                                    // may issue others
  std::string purpose = "serverAuth";                        // extended key usage; empty: none said
  std::string digest = "SHA256";                             // "SHA1" is weak
  std::chrono::seconds begins{-3600}, ends{30 * 24 * 3600};  // from now
};

CertificateOrder authority_order(const std::string& name);
CertificateOrder expired_order();
CertificateOrder not_yet_valid_order();

TestCertificate make_self_signed(const CertificateOrder& order);
// REQUIRES an `issuer` that was ordered as authority.
TestCertificate make_issued(const CertificateOrder& order, const TestCertificate& issuer);

// A temporary folder that goes with all its files.
class CertificateFolder {
 public:
  CertificateFolder();
  ~CertificateFolder();
  CertificateFolder(const CertificateFolder&) = delete;
  CertificateFolder& operator=(const CertificateFolder&) = delete;

  std::string path(const std::string& name) const { return path_ + "/" + name; }
  // Writes a file and returns its path.
  std::string write(const std::string& name, const std::string& content) const;

 private:
  std::string path_;
};

}  // namespace posthaste::tls
