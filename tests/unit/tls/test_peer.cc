#include "tests/unit/tls/test_peer.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/pem.h>

#include <csignal>

#include "lib/base/check.h"

namespace posthaste::tls {

policy::TlsProfile compat_profile() {
  policy::TlsProfile profile = policy::modern_profile();
  profile.name = "compat";
  profile.ciphers +=
      ":DHE-RSA-AES128-GCM-SHA256:DHE-RSA-AES128-SHA:ECDHE-RSA-AES128-SHA:ECDHE-ECDSA-AES128-SHA:"
      "AES256-GCM-SHA384:AES128-SHA";
  profile.security_level = 0;
  return profile;
}

policy::TlsProfile antique_profile() {
  policy::TlsProfile profile = compat_profile();
  profile.name = "antique";
  profile.min_version = policy::TlsVersion::kTls10;
  profile.signature_algorithms += ":RSA+SHA1:ECDSA+SHA1";
  return profile;
}

Demand demand_name(const std::string& name, const policy::TrustStore& trust) {
  policy::TlsDemand demand;
  demand.level = policy::TlsLevel::kVerify;
  demand.encrypted = true;
  demand.authentication = policy::TlsAuthentication::kPkix;
  if (!name.empty()) demand.names = {name};
  demand.trust = trust;
  return std::make_shared<const policy::TlsDemand>(std::move(demand));
}

SslCtxPtr OtherServer::make() const {
  SslCtxPtr context(SSL_CTX_new(TLS_server_method()));
  SSL_CTX* raw = context.get();
  SSL_CTX_set_security_level(raw, 0);
  SSL_CTX_set_min_proto_version(raw, min_version);
  SSL_CTX_set_max_proto_version(raw, max_version);
  CHECK(SSL_CTX_set_cipher_list(raw, ciphers.c_str()) == 1);
  const BioPtr leaf_bio(BIO_new_mem_buf(certificate.certificate_pem.data(), -1));
  const X509Ptr leaf(PEM_read_bio_X509(leaf_bio.get(), nullptr, nullptr, nullptr));
  CHECK(SSL_CTX_use_certificate(raw, leaf.get()) == 1);
  const BioPtr key_bio(BIO_new_mem_buf(certificate.key_pem.data(), -1));
  const PkeyPtr key(PEM_read_bio_PrivateKey(key_bio.get(), nullptr, nullptr, nullptr));
  CHECK(SSL_CTX_use_PrivateKey(raw, key.get()) == 1);
  const BioPtr chain_bio(BIO_new_mem_buf(chain_pem.data(), static_cast<int>(chain_pem.size())));
  while (const X509Ptr next{PEM_read_bio_X509(chain_bio.get(), nullptr, nullptr, nullptr)}) {
    CHECK(SSL_CTX_add1_chain_cert(raw, next.get()) == 1);
  }
  SSL_CTX_set_session_id_context(raw, reinterpret_cast<const unsigned char*>("test"), 4);
  adjust(raw);
  return context;
}

FarEnd::FarEnd(std::pair<io::Fd, io::Fd> ends, std::function<void(io::Fd)> behaviour)
    : near_(std::move(ends.first)) {
  signal(SIGPIPE, SIG_IGN);  // as io::Loop does in the daemon
  fcntl(near_.get(), F_SETFL, O_NONBLOCK);
  const int on = 1;  // as io::Connection does
  for (const int fd : {near_.get(), ends.second.get()}) {
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  }
  thread_ = std::thread(
      [behaviour = std::move(behaviour), fd = ends.second.release()] { behaviour(io::Fd(fd)); });
}

FarEnd FarEnd::raw(std::function<void(int fd)> behaviour) {
  return {io::tcp_pair(),
          [behaviour = std::move(behaviour)](const io::Fd& fd) { behaviour(fd.get()); }};
}

FarEnd FarEnd::server(SSL_CTX* context, std::function<void(SSL*)> behaviour,
                      const io::Fd* listening) {
  auto accept = [context, behaviour = std::move(behaviour)](const io::Fd& fd) {
    const SslPtr ssl(SSL_new(context));
    SSL_set_fd(ssl.get(), fd.get());
    if (SSL_accept(ssl.get()) == 1) {
      if (behaviour) behaviour(ssl.get());
      SSL_shutdown(ssl.get());
    }
    shutdown(fd.get(), SHUT_WR);
    swallow(fd.get());  // lest an RST eats the alert
  };
  return {listening != nullptr ? io::tcp_pair_at(listening->get()) : io::tcp_pair(),
          std::move(accept)};
}

FarEnd::~FarEnd() {
  near_.reset();
  if (thread_.joinable()) thread_.join();
}

io::IoResult drive(int fd, const std::function<io::IoResult()>& step) {
  for (;;) {
    const io::IoResult result = step();
    const bool reading = result.status == io::IoStatus::kWantRead;
    if (!reading && result.status != io::IoStatus::kWantWrite) return result;
    pollfd waiting{fd, static_cast<short>(reading ? POLLIN : POLLOUT), 0};
    if (poll(&waiting, 1, 10'000) <= 0) {
      ADD_FAILURE() << "the peer was silent for ten seconds";
      return result;
    }
  }
}

io::IoResult drive_handshake(TlsStream& stream, int fd) {
  return drive(fd, [&] { return stream.handshake(); });
}

std::pair<io::IoResult, std::string> read_some(TlsStream& stream, int fd) {
  std::string bytes(20'000, '\0');
  const io::IoResult result = drive(fd, [&] { return stream.read(bytes.data(), bytes.size()); });
  bytes.resize(result.status == io::IoStatus::kOk ? result.bytes : 0);
  return {result, bytes};
}

void write_all(TlsStream& stream, int fd, const std::string& bytes) {
  std::size_t done = 0;
  while (done < bytes.size()) {
    const iovec part{const_cast<char*>(bytes.data() + done), bytes.size() - done};
    const io::IoResult result = drive(fd, [&] { return stream.write(&part, 1); });
    ASSERT_EQ(result.status, io::IoStatus::kOk);
    done += result.bytes;
  }
}

std::string ssl_read(SSL* ssl) {
  std::string bytes(20'000, '\0');
  std::size_t size = 0;
  if (SSL_read_ex(ssl, bytes.data(), bytes.size(), &size) != 1) size = 0;
  bytes.resize(size);
  return bytes;
}

void ssl_write(SSL* ssl, const std::string& bytes) {
  std::size_t written = 0;
  EXPECT_EQ(SSL_write_ex(ssl, bytes.data(), bytes.size(), &written), 1);
}

void swallow(int fd) {
  char buffer[4096];
  while (::read(fd, buffer, sizeof buffer) > 0) {
  }
}

void read_record(int fd) {
  unsigned char header[5];
  ASSERT_EQ(recv(fd, header, sizeof header, MSG_WAITALL), 5);
  std::string body(static_cast<std::size_t>(header[3] << 8 | header[4]), '\0');
  ASSERT_EQ(recv(fd, body.data(), body.size(), MSG_WAITALL), static_cast<ssize_t>(body.size()));
}

void send_bytes(int fd, const std::string& bytes) {
  ASSERT_EQ(::send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL),
            static_cast<ssize_t>(bytes.size()));
}

}  // namespace posthaste::tls
