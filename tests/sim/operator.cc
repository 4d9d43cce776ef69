#include "tests/sim/operator.h"

#include <array>
#include <string_view>
#include <utility>

namespace posthaste::sim {
namespace {

using namespace std::chrono_literals;
using delivery::Selection;
using delivery::SteerVerb;

std::string_view words_of(SteerVerb verb) {
  switch (verb) {
    case SteerVerb::kRetry: return "retries";
    case SteerVerb::kHold: return "holds";
    case SteerVerb::kRelease: return "releases";
    case SteerVerb::kRemove: return "removes";
    case SteerVerb::kBounce: return "bounces";
  }
  return "";
}

std::string words_of(const Selection& selection) {
  std::string words;
  for (const auto& domain : selection.domains) words += " " + domain.text;
  if (selection.messages) {
    for (const MessageId id : *selection.messages) words += " " + render_id(id);
  }
  if (selection.arrived_from != Instant{} || selection.arrived_before != kNever)
    words += " by its arrival";
  if (selection.retry_class) words += fmt::format(" {}", policy::name(*selection.retry_class));
  if (selection.state != Selection::State::kAny) words += " in one state";
  return words.empty() ? " everything" : words;
}

}  // namespace

void Operator::greet(rehearsal::Mta& mta, std::optional<policy::SuspensionKind> forgotten) {
  std::vector<policy::Suspension> kept;
  for (const policy::Suspension& one : suspensions_->all()) {
    if (one.kind != forgotten) kept.push_back(one);
  }
  mta.tell(delivery::Suspended{std::make_shared<const policy::Suspensions>(std::move(kept))});
}

void Operator::act(rehearsal::Mta& mta) {
  Rng& rng = world_.rng();
  if (rng.chance(0.35)) {
    std::vector<policy::Suspension> all;
    for (const policy::Suspension& one : suspensions_->all()) {
      if (rng.chance(0.5)) all.push_back(one);
    }
    if (rng.chance(0.7)) all.push_back(draw_suspension());
    return suspend(mta, std::move(all));
  }
  constexpr std::array kVerbs{SteerVerb::kRetry,  SteerVerb::kRetry,   SteerVerb::kHold,
                              SteerVerb::kHold,   SteerVerb::kRelease, SteerVerb::kRelease,
                              SteerVerb::kRemove, SteerVerb::kBounce};
  steer(mta, kVerbs[rng.below(kVerbs.size())], draw_selection());
}

void Operator::set_free(rehearsal::Mta& mta) {
  suspend(mta, {});
  steer(mta, SteerVerb::kRelease, {});
}

Selection Operator::draw_selection() {
  Rng& rng = world_.rng();
  Selection selection;
  if (rng.chance(0.6)) {
    const Domain& domain = scenario_.domains[rng.below(scenario_.domains.size())];
    selection.domains.push_back({rng.chance(0.8) ? domain.name.text() : "*.example"});
  }
  if (rng.chance(0.15)) selection.arrived_from = world_.now() - world_.draw(0s, 1h);
  if (rng.chance(0.15)) selection.arrived_before = world_.now() - world_.draw(0s, 1h);
  if (rng.chance(0.2)) {
    std::vector<MessageId> some;
    for (const auto& [id, body] : checker_.messages()) {
      if (rng.chance(0.4)) some.push_back(id);
    }
    selection.messages = std::make_shared<const std::vector<MessageId>>(std::move(some));
  }
  if (rng.chance(0.1)) selection.retry_class = policy::RetryClass::kConnect;
  if (rng.chance(0.2)) selection.state = static_cast<Selection::State>(rng.below(5));
  return selection;
}

policy::Suspension Operator::draw_suspension() {
  Rng& rng = world_.rng();
  policy::Suspension one;
  const Domain& domain = scenario_.domains[rng.below(scenario_.domains.size())];
  one.kind = static_cast<policy::SuspensionKind>(rng.below(3));
  switch (one.kind) {
    case policy::SuspensionKind::kDomain:
      one.pattern = rng.chance(0.8) ? domain.name.text() : "*.example";
      break;
    case policy::SuspensionKind::kSite:
      one.pattern =
          rng.chance(0.7) ? scenario_.hosts[domain.hosts.front()].name.text() : "*.hosts.example";
      break;
    case policy::SuspensionKind::kSender:
      one.pattern = rng.chance(0.2) ? "<>" : "@" + scenario_.domains.front().name.text();
      break;
  }
  one.since = world_.now();
  if (rng.chance(0.5)) one.until = world_.now() + world_.draw(10s, scenario_.days ? 24h : 1h);
  one.words = "simulated";
  return one;
}

void Operator::steer(rehearsal::Mta& mta, SteerVerb verb, Selection selection) {
  world_.say("the operator {}{}", words_of(verb), words_of(selection));
  const delivery::Steer steer{++tickets_, verb, std::move(selection), "as the operator wants it"};
  checker_.on_steer(steer);
  mta.tell(steer);
}

void Operator::suspend(rehearsal::Mta& mta, std::vector<policy::Suspension> all) {
  std::string words;
  for (const auto& one : all) words += fmt::format(" {} {}", name(one.kind), one.pattern);
  world_.say("the operator has suspended{}", words.empty() ? " nothing" : words);
  suspensions_ = std::make_shared<const policy::Suspensions>(std::move(all));
  checker_.on_suspended(suspensions_);
  mta.tell(delivery::Suspended{suspensions_});
}

}  // namespace posthaste::sim
