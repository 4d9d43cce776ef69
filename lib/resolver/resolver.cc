#include "lib/resolver/resolver.h"

#include <algorithm>
#include <deque>
#include <list>
#include <unordered_map>
#include <utility>

#include "lib/dns/answer_parser.h"
#include "lib/dns/cache.h"
#include "lib/dns/query.h"
#include "lib/resolver/channel.h"
#include "lib/resolver/idna.h"
#include "lib/resolver/query_ids.h"

namespace posthaste::resolver {
namespace {

// A query that is that old has been read by the server, even if its answer takes longer.
constexpr Duration kBurstLife = std::chrono::milliseconds(20);

struct Waiter {
  dns::Question asked;  // as it was asked: perhaps in U-labels
  Resolver::Callback callback;
};

std::string server_words(const std::vector<Endpoint>& servers) {
  std::string words = render_endpoint(servers.front());
  if (servers.size() > 1) words += " or " + std::to_string(servers.size() - 1) + " more";
  return words;
}

// No such name can exist, so nobody needs to be asked.
dns::Answer impossible(std::string words, Instant expires) {
  dns::Answer answer;
  answer.status = dns::AnswerStatus::kNxDomain;
  answer.expires = expires;
  answer.words = std::move(words);
  return answer;
}

}  // namespace

// A question goes: (cached) | joins a flight | waits its turn | is under way -> landed ->
// delivered. c-ares may answer from inside of what we call, so an answer only lands there;
// callbacks are called, and waiting questions sent, by deliver(), which the loop runs later.
struct Resolver::State : std::enable_shared_from_this<Resolver::State> {
  // One question that is asked, and everybody who wants to know.
  struct Flight final : Channel::Receiver {
    Flight(State& resolver, dns::Question canonical)
        : home(resolver), question(std::move(canonical)) {}

    void on_packet(std::string_view octets) override {
      home.land(*this, dns::parse_answer(octets, question, home.context()).answer);
    }
    void on_failure(dns::AnswerStatus status, std::string_view words) override {
      home.land(*this, dns::failed_answer(status, words, question, home.context()));
    }

    State& home;
    const dns::Question question;
    std::string packet;  // until it is sent
    std::vector<Waiter> waiters;
    dns::Answer answer;  // once landed
    Instant sent;
    std::optional<std::list<Flight*>::iterator> in_burst;  // while it is one of those
  };

  State(io::Loop& on_loop, Options with, std::unique_ptr<Channel> over)
      : loop(on_loop),
        options(std::move(with)),
        server(server_words(over->servers())),
        believe_ad(std::all_of(over->servers().begin(), over->servers().end(),
                               [](const Endpoint& each) { return is_loopback(each.address); })),
        cache(options.cache_max),
        channel(std::move(over)),
        burst_timer(std::make_unique<io::Timer>(loop, [this] { send_waiting(); })) {}

  std::optional<dns::Answer> lookup(const dns::Question& asked, Callback callback);
  dns::AnswerContext context() const;
  void land(Flight& flight, dns::Answer answer);
  void deliver_later();
  void deliver();
  void send_waiting();
  void send(Flight& flight);
  void leave_burst(Flight& flight);
  void close();
  bool closed() const { return channel == nullptr; }

  io::Loop& loop;  // constant after construction, down to believe_ad
  const Options options;
  const std::string server;
  const bool believe_ad;
  QueryIds ids;
  dns::Cache cache;
  Stats stats;
  std::unordered_map<dns::Question, std::unique_ptr<Flight>> flights;
  std::deque<Flight*> waiting;  // not sent yet
  std::vector<Flight*> landed;  // not delivered yet
  std::list<Flight*> burst;     // sent, not landed, and younger than kBurstLife; the oldest first
  std::size_t under_way = 0;
  bool delivery_due = false;
  std::unique_ptr<Channel> channel;  // null: the Resolver is gone
  std::unique_ptr<io::Timer> burst_timer;
};

std::optional<dns::Answer> Resolver::State::lookup(const dns::Question& asked, Callback callback) {
  const Instant now = loop.now();
  auto name = to_a_labels(asked.name);
  if (!name) return impossible(std::move(name.error().words), now + options.ttl_max);
  dns::Question question{std::move(*name), asked.type};
  if (const dns::Answer* known = cache.find(question, now)) {
    ++stats.cache_hits;
    return *known;
  }
  auto found = flights.find(question);
  if (found == flights.end()) {
    auto packet = dns::render_query(question, ids.next());
    if (!packet) return impossible(std::move(packet.error().words), now + options.ttl_max);
    auto flight = std::make_unique<Flight>(*this, question);
    flight->packet = std::move(*packet);
    waiting.push_back(flight.get());
    found = flights.emplace(std::move(question), std::move(flight)).first;
  }
  found->second->waiters.push_back(Waiter{asked, std::move(callback)});
  send_waiting();
  return std::nullopt;
}

dns::AnswerContext Resolver::State::context() const {
  return {.now = loop.now(),
          .ttl = {.least = options.ttl_min,
                  .most = options.ttl_max,
                  .negative_most = options.negative_ttl_max,
                  .failure = options.failure_ttl},
          .believe_ad = believe_ad,
          .server = server};
}

void Resolver::State::send_waiting() {
  const Instant now = loop.now();
  while (!burst.empty() && burst.front()->sent + kBurstLife <= now) leave_burst(*burst.front());
  while (!waiting.empty() && under_way < options.queries_max && burst.size() < options.burst_max) {
    Flight& flight = *waiting.front();
    waiting.pop_front();
    send(flight);
  }
  const bool wait = !waiting.empty() && burst.size() >= options.burst_max;
  burst_timer->set(wait ? burst.front()->sent + kBurstLife : kNever);
}

void Resolver::State::send(Flight& flight) {
  ++under_way;
  ++stats.queries;
  flight.sent = loop.now();
  flight.in_burst = burst.insert(burst.end(), &flight);
  const std::string packet = std::exchange(flight.packet, {});
  channel->send(packet, flight);  // may land at once
}

void Resolver::State::leave_burst(Flight& flight) {
  if (!flight.in_burst) return;
  burst.erase(*flight.in_burst);
  flight.in_burst.reset();
}

void Resolver::State::land(Flight& flight, dns::Answer answer) {
  --under_way;
  leave_burst(flight);
  if (dns::temporary(answer.status)) ++stats.failures;
  cache.put(flight.question, answer);
  flight.answer = std::move(answer);
  landed.push_back(&flight);
  deliver_later();
}

void Resolver::State::deliver_later() {
  if (std::exchange(delivery_due, true)) return;
  loop.defer([weak = weak_from_this()] {
    if (const auto self = weak.lock()) self->deliver();
  });
}

void Resolver::State::deliver() {
  delivery_due = false;
  for (Flight* each : std::exchange(landed, {})) {
    // Out of the map first: a callback may ask the same again, or destroy the Resolver.
    const auto flight = std::move(flights.extract(each->question).mapped());
    for (Waiter& waiter : flight->waiters) {
      if (closed()) return;
      waiter.callback(waiter.asked, flight->answer);
    }
  }
  if (!closed()) send_waiting();
}

Result<std::unique_ptr<Resolver>> Resolver::make(io::Loop& loop, Options options) {
  if (options.tries < 1 || options.timeout <= Duration::zero() || options.queries_max == 0 ||
      options.burst_max == 0) {
    return fail(ErrorCode::kInvalid, "DNS needs a timeout, at least one try and one query");
  }
  auto channel = Channel::make(
      loop, {.servers = options.servers, .timeout = options.timeout, .tries = options.tries});
  if (!channel) return tl::make_unexpected(std::move(channel.error()));
  auto state = std::make_shared<State>(loop, std::move(options), std::move(*channel));
  return std::unique_ptr<Resolver>(new Resolver(std::move(state)));
}

Resolver::Resolver(std::shared_ptr<State> state) : state_(std::move(state)) {}

// deliver() may be at work, further up the stack, and hold the State; so what hangs in the loop
// ends here and now.
void Resolver::State::close() {
  channel.reset();
  burst_timer.reset();
}

Resolver::~Resolver() { state_->close(); }

std::optional<dns::Answer> Resolver::lookup(const dns::Question& question, Callback callback) {
  return state_->lookup(question, std::move(callback));
}

Stats Resolver::stats() const { return state_->stats; }

bool Resolver::believes_ad() const { return state_->believe_ad; }

}  // namespace posthaste::resolver
