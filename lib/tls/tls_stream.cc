#include <openssl/err.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <string_view>
#include <utility>

#include "lib/base/check.h"
#include "lib/tls/certificate.h"
#include "lib/tls/stream_state.h"

namespace posthaste::tls {
namespace {

using io::IoResult;
using io::IoStatus;
using policy::TlsFailure;

constexpr std::size_t kChainMax = 10;
constexpr std::size_t kRecordBytes = 16384;  // RFC 8446 §5.1: the most that one record carries

// What is left of a write's parts.
struct Parts {
  const iovec* first;
  int count;
  std::size_t taken;  // of *first

  void skip(std::size_t bytes) {
    taken += bytes;
    while (count > 0 && taken >= first->iov_len) {
      taken -= first->iov_len;
      ++first;
      --count;
    }
  }
};

using Record = std::array<char, kRecordBytes>;

// The next bytes that make one record. A record costs more than a copy: short parts are joined in
// `scratch`. The same bytes always begin the same record, which is what OpenSSL asks for when it is
// called again after WANT_WRITE.
std::string_view next_record(const Parts& parts, Record& scratch) {
  const char* data = static_cast<const char*>(parts.first->iov_base) + parts.taken;
  const std::size_t left = parts.first->iov_len - parts.taken;
  if (left >= kRecordBytes || parts.count == 1) return {data, std::min(left, kRecordBytes)};
  std::memcpy(scratch.data(), data, left);
  std::size_t size = left;
  for (int i = 1; i < parts.count && size < kRecordBytes; ++i) {
    const std::size_t more = std::min(parts.first[i].iov_len, kRecordBytes - size);
    std::memcpy(scratch.data() + size, parts.first[i].iov_base, more);
    size += more;
  }
  return {scratch.data(), size};
}

}  // namespace

void TlsStream::State::fail(const OpensslError& error) {
  failure = failure_of(error);
  words = words_for(error);
  dead = !up || error.ssl_error == SSL_ERROR_SSL;
  // What every connection may suffer is not TLS's failure, once TLS is up.
  const bool of_socket =
      error.code == 0 ? error.ssl_error == SSL_ERROR_SYSCALL : ERR_SYSTEM_ERROR(error.code) != 0;
  const bool mere_end = of_socket || failure == TlsFailure::kClosed ||
                        failure == TlsFailure::kReset || failure == TlsFailure::kTimeout;
  if (up && mere_end) failure = TlsFailure::kNone;
  if (client) {
    explain_as_client();
  } else if (!mere_end) {
    explain_as_server();
  }
}

void TlsStream::State::explain_as_client() {
  if (client->refused != X509_V_OK) {
    failure = failure_of_verify_code(client->refused);
    words = client->refusal;
  }
  if (!up && client->offered_session) {
    // Perhaps it was the resumption that the peer could not bear.
    client->context->sessions.forget(client->key);
  }
  if (client->asked_for_certificate && failure != TlsFailure::kNone) {
    words += client->context->identity == policy::ClientIdentity{}
                 ? "; the peer had asked for a certificate of ours"
                 : "; the peer had asked for a certificate and was shown ours";
  }
}

// Of a refusal, what was refused: without it nobody can mend the client.
void TlsStream::State::explain_as_server() {
  const bool nothing_shared =
      failure == TlsFailure::kPeerHandshakeFailure || failure == TlsFailure::kProtocolVersion ||
      failure == TlsFailure::kWeakKeyExchange || failure == TlsFailure::kWeakSignature;
  const std::string offered = nothing_shared ? render(offer, ssl.get()) : std::string();
  if (!offered.empty()) words += "; the client offered " + offered;
}

// After a call to OpenSSL that did not succeed. REQUIRES that nothing of OpenSSL's was called in
// between.
IoResult TlsStream::State::outcome(int result, int sys_errno) {
  OpensslError error{.ssl_error = SSL_get_error(ssl.get(), result), .sys_errno = sys_errno};
  if (error.ssl_error == SSL_ERROR_WANT_READ) return {.status = IoStatus::kWantRead};
  if (error.ssl_error == SSL_ERROR_WANT_WRITE) return {.status = IoStatus::kWantWrite};
  error.code = take_error();
  error.verify_code = SSL_get_verify_result(ssl.get());
  const TlsFailure what = failure_of(error);
  fail(error);
  if (what == TlsFailure::kClosed) return {.status = IoStatus::kEof};
  return {.status = IoStatus::kError, .sys_errno = error.code == 0 ? sys_errno : 0};
}

IoResult TlsStream::State::finish_handshake() {
  if (!client) {
    accept_client();
  } else if (const IoResult judged = accept_server(); judged.status != IoStatus::kOk) {
    return judged;
  }
  up = true;
  // SMTP has ends of its own, and many hosts hang up without close_notify. To OpenSSL that would be
  // a fatal error, and the session's end: it could not be resumed.
  SSL_set_options(ssl.get(), SSL_OP_IGNORE_UNEXPECTED_EOF);
  return {.drained = SSL_has_pending(ssl.get()) == 0};
}

TlsStream::TlsStream(std::unique_ptr<State> state) : state_(std::move(state)) {}

TlsStream::~TlsStream() {
  // A session whose SSL goes without a shutdown counts as broken and is never resumed. Nothing is
  // sent here.
  if (state_->up && !state_->dead) {
    SSL_set_shutdown(state_->ssl.get(), SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
  }
}

IoResult TlsStream::handshake() {
  State& s = *state_;
  if (s.up) return {};
  if (s.dead) return {.status = IoStatus::kError};
  ERR_clear_error();
  errno = 0;
  const int result = SSL_do_handshake(s.ssl.get());
  const int sys_errno = errno;
  return result == 1 ? s.finish_handshake() : s.outcome(result, sys_errno);
}

IoResult TlsStream::read(char* into, std::size_t size) {
  State& s = *state_;
  if (s.dead) return {.status = IoStatus::kError};
  ERR_clear_error();
  errno = 0;
  std::size_t bytes = 0;
  const int result = SSL_read_ex(s.ssl.get(), into, size, &bytes);
  const int sys_errno = errno;
  if (result != 1) return s.outcome(result, sys_errno);
  // After a full record more is likely to wait in the socket.
  return {.bytes = bytes, .drained = bytes < kRecordBytes && SSL_has_pending(s.ssl.get()) == 0};
}

IoResult TlsStream::write(const iovec* parts, int count) {
  State& s = *state_;
  if (s.dead || s.unwritable) return {.status = IoStatus::kError};
  Parts rest{parts, count, 0};
  rest.skip(0);  // empty parts at the front: OpenSSL would not know what to write
  Record scratch;
  std::size_t total = 0;
  while (rest.count > 0) {
    const std::string_view record = next_record(rest, scratch);
    ERR_clear_error();
    errno = 0;
    std::size_t taken = 0;
    const int result = SSL_write_ex(s.ssl.get(), record.data(), record.size(), &taken);
    const int sys_errno = errno;
    if (result != 1) {
      const IoResult why = s.outcome(result, sys_errno);
      const bool later = why.status == IoStatus::kWantWrite || why.status == IoStatus::kWantRead;
      s.unwritable = !later;
      if (total > 0 && later) break;
      return why;
    }
    total += taken;
    rest.skip(taken);
  }
  return {.bytes = total};
}

void TlsStream::shutdown() {
  State& s = *state_;
  if (!s.up || s.dead) return;
  ERR_clear_error();
  (void)SSL_shutdown(s.ssl.get());  // 0: sent; we do not wait for the peer's
  ERR_clear_error();
}

const policy::TlsFacts& TlsStream::facts() const {
  CHECK(state_->up);
  return state_->facts;
}

std::vector<CertificateView> TlsStream::chain() const {
  CHECK(state_->up);
  STACK_OF(X509)* sent = SSL_get_peer_cert_chain(state_->ssl.get());
  std::vector<CertificateView> chain;
  for (int i = 0; i < sk_X509_num(sent) && chain.size() < kChainMax; ++i) {
    chain.push_back(view_of(sk_X509_value(sent, i)));
  }
  return chain;
}

TlsFailure TlsStream::failure() const {
  // A socket that breaks before OpenSSL is asked again has been reset.
  if (!state_->up && state_->failure == TlsFailure::kNone) return TlsFailure::kReset;
  return state_->failure;
}

const std::string& TlsStream::failure_words() const { return state_->words; }

}  // namespace posthaste::tls
