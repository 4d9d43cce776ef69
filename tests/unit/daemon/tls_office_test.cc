#include "daemon/tls_office.h"

#include <gtest/gtest.h>

#include "tests/unit/daemon/worker_house.h"

namespace posthaste::daemon {
namespace {

delivery::Connect call_that_demands_encryption() {
  policy::TlsDemand demand;
  demand.level = policy::TlsLevel::kEncrypt;
  demand.encrypted = true;
  delivery::Connect call;
  call.profile = "modern";
  call.tls = smtp::TlsNeed::kRequired;
  call.demand = std::make_shared<const policy::TlsDemand>(demand);
  call.evidence = std::make_shared<const policy::TlsEvidence>();
  return call;
}

TEST(TlsOffice, CountsASessionThatTheEnginesLastGuardRefuses) {
  constexpr const char* kGuarded =
      "posthaste_tls_handshakes_total{direction=\"outbound\",mode=\"starttls\","
      "profile=\"modern\",reason=\"guarded\",result=\"failed\"}";
  WorkerHouse house;
  house.in_worker([](Worker& worker) {
    worker.tls_office().on_ready(call_that_demands_encryption(), std::nullopt, {});
  });
  EXPECT_EQ(house.metric(kGuarded), "1");
}

TEST(TlsOffice, RehearsesFourTimesAtOnceAndForgetsThemWhenTheyAreOver) {
  std::size_t done = 0;  // at once: an address asks nobody
  WorkerHouse house;
  house.in_worker([&](Worker& worker) {
    for (std::size_t i = 0; i < TlsOffice::kRehearsalsMax; ++i) {
      EXPECT_TRUE(worker.tls_office().may_rehearse());
      worker.tls_office().rehearse(RoutingDomain("[127.0.0.1]"), {},
                                   [&](const TlsRehearsal::Outcome&) { ++done; });
    }
    EXPECT_FALSE(worker.tls_office().may_rehearse());
  });
  house.wait_until([](Worker& worker) { return worker.tls_office().may_rehearse(); });
  EXPECT_EQ(done, TlsOffice::kRehearsalsMax);
}

}  // namespace
}  // namespace posthaste::daemon
