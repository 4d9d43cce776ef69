// Domains that are served by the same mail hosts.
#include <algorithm>

#include "lib/delivery/site.h"
#include "tests/unit/delivery/engine_rig.h"

namespace posthaste::delivery {
namespace {

using smtp::Verdict;

// Mail for a domain of the provider's, as far as its call.
std::vector<Connect> call(EngineRig& rig, const std::string& domain) {
  rig.arrive({"a@" + domain});
  rig.answer_mx(domain, {"mx1.provider.example"});
  rig.answer_a("mx1.provider.example", {"11.0.0.1"});
  return rig.all<Connect>();
}

std::vector<SiteView> sites(EngineRig& rig) {
  std::vector<SiteView> all;
  rig.engine().for_each_site([&](const SiteView& one) { all.push_back(one); });
  return all;
}

TEST(EngineSite, IsWhatDomainsWithTheSameHostsShare) {
  EngineRig rig;
  EXPECT_EQ(call(rig, "one.example").size(), 1U);
  EXPECT_EQ(call(rig, "two.example").size(), 1U);
  rig.arrive({"a@other.example"});
  rig.route("other.example", "11.0.0.9");
  auto all = sites(rig);
  ASSERT_EQ(all.size(), 2U);
  std::sort(all.begin(), all.end(), [](const auto& a, const auto& b) { return a.name < b.name; });
  EXPECT_EQ(all[0].name, "mx1.other.example");
  EXPECT_EQ(all[1].name, "mx1.provider.example");
  EXPECT_EQ(all[1].domains, 2U);
  EXPECT_EQ(all[1].connections, 2U);
  EXPECT_EQ(all[1].window, 0U);
}

TEST(EngineSite, IsSlowedDownForAllOfItsDomains) {
  EngineRig rig;
  rig.options.retry.defaults.intervals = {5h};
  const auto one = call(rig, "one.example").at(0);
  const auto two = call(rig, "two.example").at(0);
  rig.ready(one.conn);
  rig.finish(rig.only<Deliver>(), Verdict::kTemporary, 421, "enough");
  EXPECT_EQ(rig.only<SlowedDown>().connections, 1U);
  rig.tell(SessionClosed{one.conn});
  EXPECT_TRUE(call(rig, "three.example").empty()) << "there is one already";
  EXPECT_EQ(sites(rig).at(0).window, 1U);
  rig.ready(two.conn);
  rig.delivered(rig.only<Deliver>());
  EXPECT_EQ(rig.only<Quit>().conn, two.conn) << "another domain waits for it";
  rig.tell(SessionClosed{two.conn});
  while (rig.all<Connect>().empty() && rig.now < kStart + 1min) rig.ring();
  EXPECT_EQ(rig.only<Connect>().domain.text(), "three.example");
}

TEST(EngineSite, IsHeldToTheLimitsThatTheOperatorSetsForIt) {
  EngineRig rig;
  rig.options.site_limits.connections = 1;
  const auto one = call(rig, "one.example").at(0);
  EXPECT_TRUE(call(rig, "two.example").empty());
  rig.ready(one.conn);
  rig.delivered(rig.only<Deliver>());
  EXPECT_EQ(rig.only<Quit>().conn, one.conn);
  rig.tell(SessionClosed{one.conn});
  EXPECT_EQ(rig.only<Connect>().domain.text(), "two.example");
}

TEST(EngineSite, IsForgottenWhenThereIsNothingToRemember) {
  EngineRig rig;
  const auto one = call(rig, "one.example").at(0);
  rig.ready(one.conn);
  rig.delivered(rig.only<Deliver>());
  rig.persisted(rig.only<Persist>());
  EXPECT_EQ(sites(rig).size(), 1U);
  rig.ring();
  rig.tell(SessionClosed{rig.only<Quit>().conn});
  EXPECT_TRUE(sites(rig).empty());
}

TEST(Site, HasANameThatCanBeRead) {
  EXPECT_EQ(render_site("mx1.example.com"), "mx1.example.com");
  const std::string name = render_site("mx1.example.com mx2.example.com mx3.example.com");
  EXPECT_EQ(name.substr(0, 20), "mx1.example.com +2 #");
  EXPECT_NE(name, render_site("mx1.example.com mx2.example.com mx4.example.com"));
}

}  // namespace
}  // namespace posthaste::delivery
