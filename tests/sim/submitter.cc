#include "tests/sim/submitter.h"

#include <algorithm>
#include <utility>

#include "lib/base/overloaded.h"

namespace posthaste::sim {
namespace {

using namespace std::chrono_literals;

smtp::ServerOptions server_options() {
  smtp::ServerOptions options;
  options.hostname = HeloName("mta.ours.example");
  options.trusted = true;
  options.peer = {ipv4(127, 0, 0, 1), 4000};
  return options;
}

std::string dot_stuffed(const std::string& content) {
  std::string stuffed;
  for (std::size_t at = 0; at < content.size();) {
    const std::size_t end = content.find("\r\n", at) + 2;
    if (content[at] == '.') stuffed += '.';
    stuffed += content.substr(at, end - at);
    at = end;
  }
  return stuffed + ".\r\n";
}

}  // namespace

// ---- our side

Inbound::Inbound(std::shared_ptr<Mta> mta, unsigned worker, std::shared_ptr<Link> link,
                 const Mutation& mutation, bool requiretls)
    : mta_(std::move(mta)),
      worker_(mta_->worker(worker)),
      link_(std::move(link)),
      mutation_(mutation),
      requiretls_(requiretls),
      session_(server_options(), worker_.ids(), mta_->world().now()) {}

void Inbound::begin() {
  link_->attach(Side::kCallee, {[this](std::string_view bytes, std::uint64_t) {
                                  feed(smtp::server::Bytes{bytes});
                                },
                                [this] {
                                  feed(smtp::server::PeerGone{});
                                  hang_up();
                                },
                                nullptr});
  feed(smtp::server::Accepted{});
}

void Inbound::feed(smtp::server::Event event) {
  if (over_) return;
  if (!mta_->alive()) return hang_up();
  answers_.clear();
  session_.handle(std::move(event), mta_->world().now(), actions_);
  for (std::size_t next = 0; !over_;) {
    for (auto& action : actions_) carry_out(action);
    actions_.clear();
    if (next == answers_.size()) break;
    session_.handle(std::move(answers_[next++]), mta_->world().now(), actions_);
  }
  if (over_) return;
  link_->pause(Side::kCallee, !session_.wants_bytes());
  watch();
}

void Inbound::carry_out(smtp::server::Action& action) {
  namespace server = smtp::server;
  std::visit(Overloaded{
                 [&](server::Send& e) { link_->send(Side::kCallee, std::move(e.bytes)); },
                 [&](server::StartTls&) { mta_->world().violate("STARTTLS was not offered"); },
                 [&](server::Spill& e) {
                   mta_->ask_store(queue::Append{e.id, e.chunk, std::move(e.bytes)});
                 },
                 [&](server::Abandon& e) { mta_->ask_store(queue::Abandon{e.id}); },
                 [&](server::Store& e) { store(e.submission); },
                 [&](server::Hangup&) { hang_up(); },
                 [&](server::Note&) {},
             },
             action);
}

void Inbound::store(const smtp::Submission& submission) {
  id_ = submission.envelope->id;
  queue::Accept accept;
  auto envelope = std::make_shared<mail::Envelope>(*submission.envelope);
  if (requiretls_) envelope->tls_wish = mail::TlsWish::kRequireTls;
  accept.envelope = envelope;
  accept.chunks.push_back(submission.last_chunk);
  for (const mail::Recipient& recipient : submission.recipients) {
    mail::PendingRecipient pending;
    pending.recipient = recipient;
    pending.shard = shard_of(mail::routing_domain(recipient.address));
    const bool waits = !mutation_.is(Bug::kIgnoreHoldUntil);
    pending.progress.due =
        waits ? std::max(envelope->arrived, envelope->hold_until) : envelope->arrived;
    pending.tls_wish = envelope->tls_wish;
    pending.priority = envelope->priority;
    accept.recipients.push_back(std::move(pending));
  }
  accept.ticket =
      worker_.expect_answer([self = shared_from_this()](const queue::StoreEvent& event) {
        if (const auto* refused = std::get_if<queue::Refused>(&event)) {
          return self->feed(smtp::server::NotStored{refused->full, refused->words, refused->id});
        }
        if (!self->mutation_.is(Bug::kAckBeforeCommit)) {
          self->feed(smtp::server::Stored{std::get<queue::Accepted>(event).id});
        }
      });
  if (mutation_.is(Bug::kAckBeforeCommit)) answers_.push_back(smtp::server::Stored{id_});
  mta_->ask_store(std::move(accept));
}

void Inbound::hang_up() {
  if (std::exchange(over_, true)) return;
  link_->close(Side::kCallee);
}

void Inbound::watch() {
  const Instant deadline = session_.deadline();
  if (deadline == kNever) return;
  mta_->world().at(deadline, [weak = weak_from_this()] {
    const auto self = weak.lock();
    if (self && !self->over_ && self->session_.deadline() <= self->mta_->world().now()) {
      self->feed(smtp::server::Tick{});
    }
  });
}

// ---- the application

Submitter::Submitter(World& world, Checker& checker, const Mutation& mutation, Message message,
                     bool pipelining)
    : world_(world),
      checker_(checker),
      mutation_(mutation),
      message_(std::move(message)),
      pipelining_(pipelining) {
  script_ = {"EHLO app.example\r\n",
             "MAIL FROM:<" + message_.sender + "> BODY=8BITMIME" + message_.wishes + "\r\n"};
  for (const std::string& recipient : message_.recipients) {
    script_.push_back("RCPT TO:" + recipient + "\r\n");
  }
  script_.push_back("DATA\r\n");
  script_.push_back(dot_stuffed(message_.content));
  final_reply_ = script_.size() + 1;
  script_.push_back("QUIT\r\n");
}

void Submitter::submit(const std::shared_ptr<Mta>& mta) {
  link_ = std::make_shared<Link>(world_, rehearsal::draw_link_traits(world_, 0.1));
  const auto worker = static_cast<unsigned>(world_.rng().below(mta->workers()));
  inbound_ = std::make_shared<Inbound>(mta, worker, link_, mutation_, message_.requiretls);
  link_->attach(Side::kCaller, {[this](std::string_view bytes, std::uint64_t) { on_bytes(bytes); },
                                nullptr, nullptr});
  inbound_->begin();
}

void Submitter::on_bytes(std::string_view bytes) {
  buffer_ += bytes;
  for (std::size_t end; (end = buffer_.find("\r\n")) != std::string::npos;) {
    const std::string line = buffer_.substr(0, end);
    buffer_.erase(0, end + 2);
    if (line.size() < 4 || line[3] != '-') on_reply(std::stoi(line.substr(0, 3)));
  }
}

void Submitter::on_reply(int code) {
  ++replies_;
  if (code >= 400) return link_->close(Side::kCaller);  // it gives up; a real one would try again
  if (replies_ == final_reply_) {
    world_.say("the submitter has its 250 for {}: <{}>{} to {}", render_id(inbound_->stored()),
               message_.sender, message_.wishes, fmt::join(message_.recipients, " "));
    checker_.on_acknowledged(inbound_->stored(), message_.content);
  }
  speak();
}

void Submitter::speak() {
  if (said_ == script_.size() || said_ >= replies_) return;
  std::string bytes = script_[said_++];
  // MAIL, every RCPT and DATA may go together.
  while (pipelining_ && said_ >= 2 && said_ < message_.recipients.size() + 3)
    bytes += script_[said_++];
  link_->send(Side::kCaller, std::move(bytes));
}

}  // namespace posthaste::sim
