#include "lib/tls/session_cache.h"

#include <gtest/gtest.h>

#include <ctime>

namespace posthaste::tls {
namespace {

std::time_t now() { return std::time(nullptr); }

SessionPtr make_session(int version = TLS1_3_VERSION, long age = 0) {
  SessionPtr session(SSL_SESSION_new());
  SSL_SESSION_set_protocol_version(session.get(), version);
  SSL_SESSION_set_time(session.get(), static_cast<long>(std::time(nullptr)) - age);
  const unsigned char id[4] = {1, 2, 3, 4};  // what makes a session resumable to OpenSSL
  SSL_SESSION_set1_id(session.get(), id, sizeof id);
  return session;
}

TEST(SessionCache, GivesATls13TicketOnceAndTheNewestFirst) {
  SessionCache cache;
  auto first = make_session();
  auto second = make_session();
  const SSL_SESSION* newest = second.get();
  cache.put("a", std::move(first), now());
  cache.put("a", std::move(second), now());
  EXPECT_EQ(cache.take("a").session.get(), newest);
  EXPECT_NE(cache.take("a").session, nullptr);
  EXPECT_EQ(cache.take("a").session, nullptr);
  EXPECT_EQ(cache.keys(), 0U);
}

TEST(SessionCache, GivesATls12SessionAgainAndAgain) {
  SessionCache cache;
  cache.put("a", make_session(TLS1_2_VERSION), now());
  EXPECT_NE(cache.take("a").session, nullptr);
  EXPECT_NE(cache.take("a").session, nullptr);
  EXPECT_EQ(cache.take("b").session, nullptr);
}

TEST(SessionCache, ForgetsWhatIsTooOld) {
  SessionCache cache;
  cache.put("a", make_session(TLS1_3_VERSION, 8 * 24 * 3600), now());
  EXPECT_EQ(cache.take("a").session, nullptr);
  EXPECT_EQ(cache.keys(), 0U);
}

TEST(SessionCache, BelievesAProofForADayHoweverFreshTheTicket) {
  SessionCache cache;
  const std::time_t lately = now() - kProofSecondsMax + 60;
  cache.put("a", make_session(), lately);
  cache.put("b", make_session(), now() - kProofSecondsMax);
  EXPECT_EQ(cache.take("a").proven, lately);
  EXPECT_EQ(cache.take("b").session, nullptr);
}

TEST(SessionCache, KeepsAFewSessionsOfAFewKeys) {
  SessionCache cache;
  for (std::size_t i = 0; i < SessionCache::kSessionsPerKeyMax + 3; ++i) {
    cache.put("a", make_session(), now());
  }
  std::size_t count = 0;
  while (cache.take("a").session) ++count;
  EXPECT_EQ(count, SessionCache::kSessionsPerKeyMax);

  cache.put("kept", make_session(TLS1_2_VERSION), now());
  for (std::size_t i = 0; i < SessionCache::kKeysMax; ++i) {
    EXPECT_NE(cache.take("kept").session, nullptr) << "used last, so it stays";
    cache.put(std::to_string(i), make_session(), now());
  }
  EXPECT_EQ(cache.keys(), SessionCache::kKeysMax);
  EXPECT_EQ(cache.take("0").session, nullptr) << "the longest unused";
  cache.forget("kept");
  EXPECT_EQ(cache.take("kept").session, nullptr);
}

}  // namespace
}  // namespace posthaste::tls
