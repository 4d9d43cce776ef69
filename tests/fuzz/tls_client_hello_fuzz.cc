// What a client may say first: it ends up in words for people, whatever it was.
#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "lib/base/check.h"
#include "lib/tls/client_offer.h"

namespace {

using posthaste::tls::ClientOffer;

constexpr std::size_t kKept = 20;

int look(SSL* ssl, int*, void*) noexcept {
  const ClientOffer offer = posthaste::tls::read_offer(ssl);
  CHECK(!offer.versions.empty());
  for (const auto* list : {&offer.versions, &offer.ciphers, &offer.groups}) {
    CHECK(list->size() <= kKept);
  }
  const std::string words = render(offer, ssl);
  CHECK(std::none_of(words.begin(), words.end(), [](char c) { return c >= 0 && c < ' '; }));
  return SSL_CLIENT_HELLO_ERROR;
}

SSL_CTX* make_context() {
  SSL_CTX* context = SSL_CTX_new(TLS_server_method());
  SSL_CTX_set_client_hello_cb(context, look, nullptr);
  return context;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static SSL_CTX* const context = make_context();
  const posthaste::tls::SslPtr ssl(SSL_new(context));
  SSL_set_bio(ssl.get(), BIO_new_mem_buf(data, static_cast<int>(size)), BIO_new(BIO_s_null()));
  (void)SSL_accept(ssl.get());
  return 0;
}
