#include "daemon/admin_steering.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>
#include <utility>

#include "daemon/admin_ask_all.h"
#include "daemon/admin_parameters.h"
#include "daemon/admin_response.h"
#include "daemon/json_value.h"
#include "daemon/worker.h"

namespace posthaste::daemon {
namespace {

using delivery::SteerVerb;
using List = std::shared_ptr<const std::vector<MessageId>>;

constexpr std::array<std::pair<std::string_view, SteerVerb>, 5> kVerbs{
    {{"retry", SteerVerb::kRetry},
     {"hold", SteerVerb::kHold},
     {"release", SteerVerb::kRelease},
     {"remove", SteerVerb::kRemove},
     {"bounce", SteerVerb::kBounce}}};

std::string_view name(SteerVerb verb) {
  const auto* const found = std::find_if(
      kVerbs.begin(), kVerbs.end(), [verb](const auto& known) { return known.second == verb; });
  return found == kVerbs.end() ? std::string_view() : found->first;
}

std::optional<SteerVerb> parse_verb(std::string_view text) {
  const auto* const found = std::find_if(kVerbs.begin(), kVerbs.end(),
                                         [text](const auto& known) { return known.first == text; });
  if (found == kVerbs.end()) return std::nullopt;
  return found->second;
}

HttpResponse unknown_ticket() {
  return error_response(404, "that ticket is not known, or was too long ago");
}

void add(delivery::SteeringView& sum, const delivery::SteeringView& more) {
  sum.matched += more.matched;
  sum.under_way += more.under_way;
  sum.left += more.left;
}

}  // namespace

// One request of the operator's, from its ticket on.
struct AdminSteering::Order {
  SteerVerb verb = SteerVerb::kRetry;
  QueueFilter filter;
  std::string words;
  bool dry_run = false;
  bool searching = false;
  bool queue_read = true;                     // engines knew all mail when they were told
  std::uint64_t scanned = 0;                  // recipients that were looked at
  std::uint64_t found = 0;                    // of those: that are meant
  ShardId at_shard = 0;                       // how far the search is
  std::string trouble;                        // why the search ended early
  std::vector<std::uint64_t> engine_tickets;  // that are not done yet
  delivery::SteeringView settled;             // of those that are
  std::vector<List> lists;                    // told to the engines already, while it searches

  bool searches() const { return dry_run || !filter.sender.empty(); }
};

// The engines' answers about these tickets, for each worker.
struct AdminSteering::Inquiry {
  std::vector<std::uint64_t> tickets;
  std::vector<std::vector<delivery::SteeringView>> views;
};

AdminSteering::AdminSteering(House house)
    : house_(std::move(house)),
      // So that a ticket of an earlier process is not taken for one of this.
      last_ticket_(static_cast<std::uint64_t>(house_.loop.now().time_since_epoch().count())) {}

AdminSteering::~AdminSteering() = default;

Result<AdminSteering::Order> AdminSteering::parse(std::string_view verb, const HttpRequest& request,
                                                  Instant now) {
  Order order;
  const auto parsed = parse_verb(verb);
  if (!parsed) {
    return fail(ErrorCode::kNotFound,
                "no such page; there are retry, hold, release, remove and bounce");
  }
  order.verb = *parsed;
  auto filter = parse_queue_filter(request, now);
  if (!filter) return tl::unexpected(filter.error());
  order.filter = std::move(*filter);
  auto words = parse_words(request.parameter("words"));
  if (!words) return tl::unexpected(words.error());
  order.words = std::move(*words);
  order.dry_run = request.parameter("dry_run") == "yes";
  if (order.filter.everything() && !order.dry_run && request.parameter("all") != "yes") {
    return fail(ErrorCode::kInvalid, "no mail is named; all=yes means all of it");
  }
  return order;
}

void AdminSteering::steer(std::string_view verb, const HttpRequest& request,
                          std::shared_ptr<const policy::Suspensions> suspensions,
                          const Respond& respond) {
  if (request.method != "POST") return respond(error_response(405, "use POST"));
  auto parsed = parse(verb, request, house_.loop.now());
  if (!parsed) return respond(error_response(parsed.error()));
  if (parsed->searches() && searches_ >= kSearchesMax) {
    return respond(error_response(503, "too many searches are under way; try again"));
  }
  forget_old();
  const std::uint64_t ticket = ++last_ticket_;
  Order& order = orders_.emplace(ticket, std::move(*parsed)).first->second;
  log(ticket, order, request);
  if (order.searches()) {
    begin_search(ticket, std::move(suspensions));
  } else {
    tell_engines(order, order.filter.selection());
  }
  progress(std::to_string(ticket), respond);
}

void AdminSteering::log(std::uint64_t ticket, const Order& order, const HttpRequest& request) {
  if (order.dry_run) return;
  house_.log.write(LogLevel::kWarning, "steered",
                   {{"verb", name(order.verb)},
                    {"ticket", std::to_string(ticket)},
                    {"domain", request.parameter("domain")},
                    {"sender", order.filter.sender},
                    {"older", request.parameter("older")},
                    {"younger", request.parameter("younger")},
                    {"reason", request.parameter("reason")},
                    {"state", request.parameter("state")},
                    {"id", request.parameter("id")},
                    {"words", order.words}});
}

// Those that are still searching are as many as kSearchesMax at most.
void AdminSteering::forget_old() {
  for (auto order = orders_.begin(); order != orders_.end() && orders_.size() >= kTicketsMax;) {
    order = order->second.searching ? std::next(order) : orders_.erase(order);
  }
}

void AdminSteering::begin_search(std::uint64_t ticket,
                                 std::shared_ptr<const policy::Suspensions> suspensions) {
  Order& order = orders_.at(ticket);
  order.searching = true;
  ++searches_;
  QueueLook look{order.filter, {}, house_.loop.now(), false};
  // What the engines are told to do, they do to what is in that state then, as they see it.
  if (!order.dry_run) look.filter.state = QueueFilter::State::kAny;
  ask_what_is_stopped(
      house_.workers, house_.home, std::move(suspensions),
      [this, ticket, look = std::move(look), lists = !order.dry_run](Stopped stopped) mutable {
        look.stopped = std::move(stopped);
        read_slice(ticket, std::make_shared<QueueSearch>(std::move(look), lists));
      });
}

void AdminSteering::read_slice(std::uint64_t ticket, std::shared_ptr<QueueSearch> search) {
  house_.reader.push_scan([this, ticket, search = std::move(search), home = house_.home,
                           &store = house_.store.store()](const std::stop_token& stop) {
    search->read_slice(store, stop);
    home->send([this, ticket, search] { on_slice(ticket, search); });
  });
}

void AdminSteering::on_slice(std::uint64_t ticket, const std::shared_ptr<QueueSearch>& search) {
  Order& order = orders_.at(ticket);
  order.found = search->found();
  order.scanned = search->scanned();
  order.at_shard = search->at_shard();
  if (search->listed() >= kListMax || search->over()) tell_list(order, search->take_messages());
  if (!search->over()) return read_slice(ticket, search);
  if (!search->status()) order.trouble = search->status().error().words;
  order.searching = false;
  order.lists.clear();
  --searches_;
}

// A message with recipients in many shards is found in each of them, and told once.
void AdminSteering::tell_list(Order& order, std::vector<MessageId> messages) {
  std::erase_if(messages, [&](MessageId id) {
    return std::any_of(order.lists.begin(), order.lists.end(), [id](const List& told) {
      return std::binary_search(told->begin(), told->end(), id);
    });
  });
  if (messages.empty()) return;
  auto selection = order.filter.selection();
  selection.messages = std::make_shared<const std::vector<MessageId>>(std::move(messages));
  order.lists.push_back(selection.messages);
  tell_engines(order, std::move(selection));
}

void AdminSteering::tell_engines(Order& order, delivery::Selection selection) {
  delivery::Steer steer{++last_ticket_, order.verb, std::move(selection), order.words};
  order.engine_tickets.push_back(steer.ticket);
  order.queue_read = order.queue_read && house_.store.gained();
  for (Worker* worker : house_.workers) {
    worker->post([steer](Worker& each) {
      each.engine_event(steer);
      each.pump();
    });
  }
}

void AdminSteering::progress(std::string_view text, const Respond& respond) {
  std::uint64_t ticket = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), ticket);
  const bool whole = error == std::errc{} && end == text.data() + text.size();
  const auto found = whole ? orders_.find(ticket) : orders_.end();
  if (found == orders_.end()) return respond(unknown_ticket());
  const auto inquiry = std::make_shared<Inquiry>();
  inquiry->tickets = found->second.engine_tickets;
  inquiry->views.resize(house_.workers.size());
  ask_all(
      house_.workers, house_.home,
      [inquiry](Worker& worker, std::size_t index) {
        for (const std::uint64_t each : inquiry->tickets) {
          inquiry->views[index].push_back(worker.engine().steering(each).value_or(
              delivery::SteeringView{}));  // so long ago that it is not known any more
        }
      },
      [this, ticket, inquiry, respond] {
        const auto order = orders_.find(ticket);
        if (order == orders_.end()) return respond(unknown_ticket());
        answer(ticket, order->second, *inquiry, respond);
      });
}

// Engines remember the latest tickets only: what is done is added up here for good.
void AdminSteering::answer(std::uint64_t ticket, Order& order, const Inquiry& inquiry,
                           const Respond& respond) const {
  delivery::SteeringView open;
  for (std::size_t i = 0; i < inquiry.tickets.size(); ++i) {
    delivery::SteeringView sum;
    for (const auto& of_worker : inquiry.views) add(sum, of_worker[i]);
    const auto still =
        std::find(order.engine_tickets.begin(), order.engine_tickets.end(), inquiry.tickets[i]);
    if (still == order.engine_tickets.end()) continue;  // another inquiry has seen its end
    add(sum.left == 0 ? order.settled : open, sum);
    if (sum.left == 0) order.engine_tickets.erase(still);
  }
  const bool over = !order.searching && order.engine_tickets.empty();
  add(open, order.settled);
  respond(json_response(
      text_of({{"now", time_json(house_.loop.now())},
               {"ticket", ticket},
               {"verb", name(order.verb)},
               {"dry_run", order.dry_run},
               {"searching", order.searching},
               {"scanned", order.scanned},
               {"scanned_part", order.searching ? double(order.at_shard) / kShards : 1.0},
               {"found", order.found},
               {"trouble", order.trouble},
               {"queue_read", order.queue_read},
               {"matched", open.matched},
               {"under_way", open.under_way},
               {"left", open.left},
               {"done", over}})));
}

}  // namespace posthaste::daemon
