// A destination and its site: joining it, keeping within what it bears, and telling it what the
// hosts made of our mail.
#include <algorithm>
#include <utility>

#include "lib/delivery/destination.h"

namespace posthaste::delivery {

// REQUIRES that the router has a plan.
void Destination::join_site(Turn& turn) {
  if (site_ && site_plan_ == router_.plan_number()) return;
  site_plan_ = router_.plan_number();
  std::string key = router_.site_key(turn.options().port);
  if (site_ && site_->key() == key) return;
  const auto before = site_;
  leave_site();
  auto& site = shared_.sites[key];
  if (!site) site = std::make_shared<Site>(std::move(key), turn.options().site_limits);
  site_ = site;
  ++site_->members;
  if (before) before->feed(turn);  // who waited behind it there is first now
}

void Destination::leave_site() {
  if (!site_) return;
  site_->turns.leave(*this);
  --site_->members;
  shared_.release(*std::exchange(site_, nullptr));
}

// What time has brought back, and whoever waits for it.
void Destination::look_after_site(Turn& turn) {
  if (!site_ || !site_->window.slowed()) return;
  const Window::Progress progress = site_->window.recover(turn.now);
  if (progress == Window::Progress::kNone) return;
  if (progress == Window::Progress::kWhole) {
    turn.out.push_back(Recovered{domain_, render_site(site_->key())});
  }
  const auto site = site_;
  site->feed(turn);
}

// Where it has no work, it keeps only what is worth remembering.
void Destination::rest_from_site(Turn& turn) {
  if (!site_) return;
  const bool at_rest = staged_.empty() && !backlog_.has_ready() && connections_ == 0 && !down() &&
                       !backlog_.has_overdue();
  if (at_rest && site_ && site_->keep_until() <= turn.now) leave_site();
}

// False: the site's other domains, or the hosts themselves, leave no room.
bool Destination::site_has_room(Turn& turn) {
  if (site_->has_room() && site_->turns.its_turn(*this)) return true;
  blocked_until_ = std::min(blocked_until_, site_->window.next_step());
  if (site_->members < 2 && site_->connections == connections_) return false;
  const bool waited = site_->turns.waits(*this);
  site_->turns.wait(*this);
  if (waited || site_->has_room()) return false;
  // Whatever idles for another domain makes room.
  const auto idle =
      std::find_if(shared_.idle.begin(), shared_.idle.end(), [&](const Connection* connection) {
        return connection->site == site_ && connection->owner != this &&
               !connection->owner->has_work_for(*connection, turn.now);
      });
  if (idle != shared_.idle.end()) (*idle)->owner->leave(**idle, turn);
  return false;
}

void Destination::slow_down(const Connection& connection, Window::TooMuch what,
                            const smtp::Reply& reply, Turn& turn) {
  Window& window = connection.site->window;
  const std::string words = smtp::render_reply(reply);
  if (!window.slow_down(what, connection.site->connections, turn.now, words)) return;
  turn.out.push_back(SlowedDown{domain_, connection.dial.to.candidate.host, words,
                                window.connections(), window.rate()});
}

// It was not there, and will not be flooded when it is back; nor will its site, if no other domain
// has it up. Hosts that were called, and not for want of TLS as this domain wants it, are not there
// for the others either.
void Destination::note_outage(const Trouble& trouble, Turn& turn) {
  ramp_.begin();
  if (!site_ || site_->up > 0) return;
  site_->window.begin_ramp();
  if (trouble.of_all_hosts) site_->outage = Site::Outage{trouble, turn.now};
}

// What this destination, too, would meet if it were its turn; null: that is not known.
const Site::Outage* Destination::outage_of_site() const {
  return site_ && site_->outage && up() == 0 ? &*site_->outage : nullptr;
}

// When it was last seen that nobody can be reached; the epoch: it is not so. In a back-off that is
// now; after it the next attempt decides, which may have to wait for its turn at the site.
Instant Destination::known_down_at(Instant now) const {
  if (down() && backed_off(now)) return now;
  Instant at = down() ? failed_at_ : Instant{};
  if (const auto* outage = outage_of_site()) at = std::max(at, outage->at);
  return at < afresh_from_ ? Instant{} : at;
}

void Destination::add_site_to(DestinationView& view) const {
  const std::string key = site_ ? site_->key() : router_.site_key(shared_.options->port);
  if (!key.empty()) view.site = render_site(key);
  view.window = std::min(settings_.limits.connections, ramp_.connections());
  if (!site_) return;
  view.window = std::min(view.window, std::uint64_t{site_->connections_max()});
  view.slowed_until = site_->window.whole_at();
  view.slowed_words = site_->window.words();
}

}  // namespace posthaste::delivery
