#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <string_view>
#include <utility>

#include "lib/base/check.h"
#include "lib/io/socket_address.h"
#include "lib/tls/classify.h"
#include "lib/tls/context_state.h"
#include "lib/tls/facts.h"

namespace posthaste::tls {
namespace {

using io::IoResult;
using io::IoStatus;
using policy::TlsFailure;

constexpr std::size_t kRecordBytes = 16384;  // RFC 8446 §5.1: the most that one record carries

// Everything that a session's verdict depended on; see session_cache.h.
std::string session_key(int fd, const PeerName& peer, Verify verify) {
  sockaddr_storage storage{};
  socklen_t size = sizeof storage;
  std::string key = verify == Verify::kEnforce ? "enforce " : "observe ";
  if (getpeername(fd, reinterpret_cast<sockaddr*>(&storage), &size) == 0) {
    if (const auto endpoint = io::endpoint_of(storage)) key += render_endpoint(*endpoint);
  }
  return key + ' ' + peer.text;
}

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

// Whom we want to talk to: for SNI (RFC 6066 §3: never an address), and for OpenSSL's own check of
// the name.
bool set_peer(SSL* ssl, const PeerName& peer) {
  if (peer.text.empty()) return true;
  const char* text = peer.text.c_str();
  if (peer.is_address) return X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), text) == 1;
  SSL_set_hostflags(ssl, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
  return SSL_set1_host(ssl, text) == 1 && SSL_set_tlsext_host_name(ssl, text) == 1;
}

}  // namespace

struct TlsStream::State {
  IoResult outcome(int result, int sys_errno);
  IoResult finish_handshake();
  void fail(const OpensslError& error);

  SslPtr ssl;
  std::shared_ptr<ClientContext::State> client;  // null: a server's stream
  std::string profile;
  PeerName peer;
  std::string key;  // of the session cache; empty: a server's stream
  Verify verify = Verify::kObserve;
  bool offered_session = false;
  bool asked_for_certificate = false;
  bool up = false;
  bool dead = false;        // OpenSSL must not be asked any more, not even for close_notify
  bool unwritable = false;  // the socket takes nothing more; what the peer still said can be read
  policy::TlsFacts facts;
  TlsFailure failure = TlsFailure::kNone;
  std::string words;
};

int keep_session(SSL* ssl, SSL_SESSION* session) noexcept {
  auto* stream = static_cast<TlsStream::State*>(SSL_get_app_data(ssl));
  stream->client->sessions.put(stream->key, SessionPtr(session));
  return 1;  // the session is ours now
}

int note_certificate_request(SSL* ssl, X509**, EVP_PKEY**) noexcept {
  static_cast<TlsStream::State*>(SSL_get_app_data(ssl))->asked_for_certificate = true;
  return 0;  // we have none
}

void TlsStream::State::fail(const OpensslError& error) {
  failure = failure_of(error);
  words = words_for(error);
  dead = !up || error.ssl_error == SSL_ERROR_SSL;
  if (!up && offered_session) {
    client->sessions.forget(key);  // perhaps it was the resumption that the peer could not bear
  }
  // What every connection may suffer is not TLS's failure, once TLS is up.
  const bool mere_end = failure == TlsFailure::kClosed || failure == TlsFailure::kReset ||
                        failure == TlsFailure::kTimeout;
  if (up && mere_end) failure = TlsFailure::kNone;
  if (asked_for_certificate && failure != TlsFailure::kNone) {
    words += "; the peer had asked for a certificate of ours";
  }
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
  facts = facts_of(ssl.get(), profile, peer);
  if (verify == Verify::kEnforce && !facts.verified) {
    // A session that was resumed, or a certificate without our name: OpenSSL itself had no
    // objection.
    const long code = facts.certificate_present ? facts.verify_code : X509_V_ERR_UNSPECIFIED;
    fail({.ssl_error = SSL_ERROR_SSL,
          .code = ERR_PACK(ERR_LIB_SSL, 0, SSL_R_CERTIFICATE_VERIFY_FAILED),
          .verify_code = code});
    return {.status = IoStatus::kError};
  }
  up = true;
  // SMTP has ends of its own, and many hosts hang up without close_notify. To OpenSSL that would be
  // a fatal error, and the session's end: it could not be resumed.
  SSL_set_options(ssl.get(), SSL_OP_IGNORE_UNEXPECTED_EOF);
  return {.drained = SSL_has_pending(ssl.get()) == 0};
}

Result<std::unique_ptr<TlsStream>> TlsStream::client(ClientContext& context, int fd,
                                                     const MxName& host, Verify verify) {
  auto state = std::make_unique<State>();
  State& s = *state;
  s.client = context.state();
  s.profile = s.client->profile;
  s.peer = parse_peer_name(host.text());
  s.verify = verify;
  s.key = session_key(fd, s.peer, verify);
  s.ssl.reset(SSL_new(s.client->context.get()));
  SSL* ssl = s.ssl.get();
  if (ssl == nullptr || SSL_set_fd(ssl, fd) != 1 || !set_peer(ssl, s.peer)) {
    return posthaste::fail(ErrorCode::kInvalid,
                           "cannot begin a TLS session with " + host.text() + ": " + take_words());
  }
  SSL_set_app_data(ssl, &s);
  // Under SSL_VERIFY_NONE the chain and the name are judged all the same; only nobody obeys the
  // verdict.
  if (verify == Verify::kEnforce) SSL_set_verify(ssl, SSL_VERIFY_PEER, nullptr);
  if (const SessionPtr session = s.client->sessions.take(s.key)) {
    s.offered_session = SSL_set_session(ssl, session.get()) == 1;
  }
  SSL_set_connect_state(ssl);
  return std::unique_ptr<TlsStream>(new TlsStream(std::move(state)));
}

Result<std::unique_ptr<TlsStream>> TlsStream::server(ServerContext& context, int fd) {
  auto state = std::make_unique<State>();
  state->profile = context.state()->profile;
  state->ssl.reset(SSL_new(context.state()->context.get()));
  if (!state->ssl || SSL_set_fd(state->ssl.get(), fd) != 1) {
    return posthaste::fail(ErrorCode::kFull, "cannot begin a TLS session: " + take_words());
  }
  SSL_set_accept_state(state->ssl.get());
  return std::unique_ptr<TlsStream>(new TlsStream(std::move(state)));
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

TlsFailure TlsStream::failure() const {
  // A socket that breaks before OpenSSL is asked again has been reset.
  if (!state_->up && state_->failure == TlsFailure::kNone) return TlsFailure::kReset;
  return state_->failure;
}

const std::string& TlsStream::failure_words() const { return state_->words; }

}  // namespace posthaste::tls
