#include "daemon/admin_steering.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>
#include <utility>

#include "daemon/admin_ask_all.h"
#include "daemon/admin_parameters.h"
#include "daemon/admin_queue.h"
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

}  // namespace

// One request of the operator's, from its ticket on.
struct AdminSteering::Order {
  SteerVerb verb = SteerVerb::kRetry;
  QueueFilter filter;
  std::string words;
  bool dry_run = false;
  bool searching = false;
  std::uint64_t scanned = 0;  // recipients that were looked at
  std::uint64_t found = 0;    // of those: that are meant
  ShardId at_shard = 0;       // how far the search is
  std::string trouble;        // why the search ended early
  std::vector<std::uint64_t> engine_tickets;
  std::vector<List> lists;                        // told to the engines already, while it searches
  std::optional<delivery::SteeringView> outcome;  // once all of it is done

  bool searches() const { return dry_run || !filter.sender.empty(); }
};

// Belongs to the reader while it reads a slice, and to the admin between slices.
struct AdminSteering::Search {
  QueueLook look;
  bool dry_run = false;
  std::unique_ptr<QueueWalk> walk;
  std::vector<MessageId> messages;  // of the list that grows
  std::uint64_t found = 0;
  Status status;

  void read(const queue::Store& store, const std::stop_token& stop);
  // Named messages are looked up one by one.
  Status read_named(const queue::Store& store, const std::stop_token& stop);
  void take(const queue::ListedRecipient& listed) {
    ++found;
    if (!dry_run && (messages.empty() || messages.back() != listed.id)) {
      messages.push_back(listed.id);
    }
  }
  bool over() const {
    return !status || !look.filter.messages.empty() || !walk->cursor().has_value();
  }
};

void AdminSteering::Search::read(const queue::Store& store, const std::stop_token& stop) {
  if (!look.filter.messages.empty()) {
    status = read_named(store, stop);
    return;
  }
  if (walk == nullptr) walk = std::make_unique<QueueWalk>(store, look);
  status = walk->go(kRecordsPerSlice, stop, [this](QueueLine&& line) {
    take(line.listed);
    return true;
  });
}

Status AdminSteering::Search::read_named(const queue::Store& store, const std::stop_token& stop) {
  for (const MessageId id : look.filter.messages) {
    const auto view = read_message(store, id, stop);
    if (!view && view.error().code == ErrorCode::kNotFound) continue;
    if (!view) return tl::unexpected(view.error());
    if (!view->envelope || !fits_sender(look.filter, &*view->envelope)) continue;
    for (const auto& pending : view->pending) {
      const queue::ListedRecipient listed{id, pending};
      const auto wanted = look.filter.state;
      const bool fits = wanted == QueueFilter::State::kAny ||
                        wanted == state_of(pending, &*view->envelope, *look.suspensions, look.now);
      if (fits && fits_listed(look.filter, listed)) take(listed);
    }
  }
  return {};
}

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
  auto search = std::make_shared<Search>();
  search->look = {order.filter, std::move(suspensions), house_.loop.now(), false};
  search->dry_run = order.dry_run;
  read_slice(ticket, std::move(search));
}

void AdminSteering::read_slice(std::uint64_t ticket, std::shared_ptr<Search> search) {
  house_.reader.push_scan([this, ticket, search = std::move(search), home = house_.home,
                           &store = house_.store.store()](const std::stop_token& stop) {
    search->read(store, stop);
    home->send([this, ticket, search] { on_slice(ticket, search); });
  });
}

void AdminSteering::on_slice(std::uint64_t ticket, const std::shared_ptr<Search>& search) {
  Order& order = orders_.at(ticket);
  order.found = search->found;
  if (search->walk != nullptr) {
    order.scanned = search->walk->scanned();
    if (search->walk->cursor()) order.at_shard = search->walk->cursor()->shard;
  }
  const bool over = search->over();
  if (search->messages.size() >= kListMax || (over && !search->messages.empty())) {
    tell_list(order, *search);
  }
  if (!over) return read_slice(ticket, search);
  if (!search->status) order.trouble = search->status.error().words;
  order.searching = false;
  order.lists.clear();
  --searches_;
}

// A message with recipients in many shards is found in each of them, and told once.
void AdminSteering::tell_list(Order& order, Search& search) {
  auto& messages = search.messages;
  std::sort(messages.begin(), messages.end());
  messages.erase(std::unique(messages.begin(), messages.end()), messages.end());
  std::erase_if(messages, [&](MessageId id) {
    return std::any_of(order.lists.begin(), order.lists.end(), [id](const List& told) {
      return std::binary_search(told->begin(), told->end(), id);
    });
  });
  if (!messages.empty()) {
    auto selection = order.filter.selection();
    selection.messages = std::make_shared<const std::vector<MessageId>>(std::move(messages));
    order.lists.push_back(selection.messages);
    tell_engines(order, std::move(selection));
  }
  messages = {};
}

void AdminSteering::tell_engines(Order& order, delivery::Selection selection) {
  delivery::Steer steer{++last_ticket_, order.verb, std::move(selection), order.words};
  order.engine_tickets.push_back(steer.ticket);
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
  if (found == orders_.end()) {
    return respond(error_response(404, "that ticket is not known, or was too long ago"));
  }
  const Order& order = found->second;
  Json json{{"ticket", ticket},
            {"verb", name(order.verb)},
            {"dry_run", order.dry_run},
            {"searching", order.searching},
            {"scanned", order.scanned},
            {"scanned_part", order.searching ? double(order.at_shard) / kShards : 1.0},
            {"found", order.found},
            {"trouble", order.trouble}};
  if (order.outcome) return answer(std::move(json), *order.outcome, respond);
  auto views = std::make_shared<std::vector<delivery::SteeringView>>(house_.workers.size());
  ask_all(
      house_.workers, house_.home,
      [tickets = order.engine_tickets, views](Worker& worker, std::size_t index) {
        delivery::SteeringView& sum = (*views)[index];
        for (const std::uint64_t each : tickets) {
          const auto view = worker.engine().steering(each);
          if (!view) continue;  // nothing was meant here, or it is long done
          sum.matched += view->matched;
          sum.under_way += view->under_way;
          sum.left += view->left;
        }
      },
      [this, ticket, json = std::move(json), views, respond] {
        delivery::SteeringView sum;
        for (const auto& view : *views) {
          sum.matched += view.matched;
          sum.under_way += view.under_way;
          sum.left += view.left;
        }
        const bool over = sum.left == 0 && !json["searching"].get<bool>();
        const auto still = orders_.find(ticket);
        if (over && still != orders_.end()) still->second.outcome = sum;  // engines forget it
        answer(json, sum, respond);
      });
}

void AdminSteering::answer(Json json, const delivery::SteeringView& view,
                           const Respond& respond) const {
  json["now"] = time_json(house_.loop.now());
  json["matched"] = view.matched;
  json["under_way"] = view.under_way;
  json["left"] = view.left;
  json["done"] = view.left == 0 && !json["searching"].get<bool>();
  respond(json_response(text_of(json)));
}

}  // namespace posthaste::daemon
