#include "tests/unit/https/https_server.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <openssl/pem.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <string_view>
#include <utility>

#include "lib/base/check.h"
#include "tests/unit/io/test_sockets.h"

namespace posthaste::https {
namespace {

// Up to the end of its header section and of what Content-Length says; empty: the client has gone.
std::string read_request(SSL* ssl) {
  constexpr std::string_view kLength = "Content-Length: ";
  std::string request;
  for (;;) {
    const std::string more = ssl_read(ssl);
    if (more.empty()) return {};
    request += more;
    const auto end = request.find("\r\n\r\n");
    if (end == request.npos) continue;
    const auto length = request.find(kLength);
    const std::size_t body = length < end ? std::stoul(request.substr(length + kLength.size())) : 0;
    if (request.size() >= end + 4 + body) return request;
  }
}

tls::SslCtxPtr make_context(const tls::TestCertificate& certificate, int version_max) {
  tls::SslCtxPtr context(SSL_CTX_new(TLS_server_method()));
  SSL_CTX_set_security_level(context.get(), 0);  // else nothing before TLS 1.2 works at all
  SSL_CTX_set_min_proto_version(context.get(), TLS1_VERSION);
  SSL_CTX_set_max_proto_version(context.get(), version_max);
  const tls::BioPtr leaf_bio(BIO_new_mem_buf(certificate.certificate_pem.data(), -1));
  const tls::X509Ptr leaf(PEM_read_bio_X509(leaf_bio.get(), nullptr, nullptr, nullptr));
  CHECK(SSL_CTX_use_certificate(context.get(), leaf.get()) == 1);
  const tls::BioPtr key_bio(BIO_new_mem_buf(certificate.key_pem.data(), -1));
  const tls::PkeyPtr key(PEM_read_bio_PrivateKey(key_bio.get(), nullptr, nullptr, nullptr));
  CHECK(SSL_CTX_use_PrivateKey(context.get(), key.get()) == 1);
  return context;
}

}  // namespace

std::string ssl_read(SSL* ssl) {
  std::string bytes(20'000, '\0');
  std::size_t size = 0;
  if (SSL_read_ex(ssl, bytes.data(), bytes.size(), &size) != 1) size = 0;
  bytes.resize(size);
  return bytes;
}

// The client may hang up in the middle: that is often what the test is about.
void ssl_write(SSL* ssl, const std::string& bytes) {
  std::size_t written = 0;
  if (!bytes.empty()) SSL_write_ex(ssl, bytes.data(), bytes.size(), &written);
}

void swallow(int fd) {
  char buffer[4096];
  while (::read(fd, buffer, sizeof buffer) > 0) {
  }
}

HttpsServer::HttpsServer(const tls::TestCertificate& certificate, Respond respond, int version_max)
    : context_(make_context(certificate, version_max)), respond_(std::move(respond)) {
  auto listening = io::listen_tcp(io::any_port(), false);
  EXPECT_TRUE(listening);
  listening_ = std::move(*listening);
  fcntl(listening_.get(), F_SETFL, 0);  // accept() waits
  port_ = io::local_endpoint(listening_.get()).port;
  accepting_ = std::thread([this] { accept_all(); });
}

HttpsServer::~HttpsServer() {
  shutdown(listening_.get(), SHUT_RDWR);
  accepting_.join();
  {
    const std::lock_guard lock(mutex_);
    for (const int fd : open_) shutdown(fd, SHUT_RDWR);
  }
  for (std::thread& thread : threads_) thread.join();
}

void HttpsServer::accept_all() {
  for (;;) {
    const int fd = accept4(listening_.get(), nullptr, nullptr, SOCK_CLOEXEC);
    if (fd < 0) return;
    {
      const std::lock_guard lock(mutex_);
      open_.insert(fd);
    }
    ++connections_;
    at_a_time_max_ = std::max<int>(at_a_time_max_, ++at_a_time_);
    threads_.emplace_back([this, fd] { serve(fd); });
  }
}

void HttpsServer::serve(int fd) {
  {
    const tls::SslPtr ssl(SSL_new(context_.get()));
    SSL_set_fd(ssl.get(), fd);
    if (SSL_accept(ssl.get()) == 1) {
      if (const std::string request = read_request(ssl.get()); !request.empty()) {
        respond_(ssl.get(), request);
      }
      SSL_shutdown(ssl.get());
    }
  }
  --at_a_time_;
  shutdown(fd, SHUT_WR);
  swallow(fd);
  const std::lock_guard lock(mutex_);
  open_.erase(fd);
  close(fd);
}

std::string response(int status, const std::string& headers, const std::string& body) {
  return "HTTP/1.1 " + std::to_string(status) + " Said\r\n" + headers +
         "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
}

}  // namespace posthaste::https
