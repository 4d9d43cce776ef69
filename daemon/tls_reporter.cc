#include "daemon/tls_reporter.h"

#include <random>
#include <utility>

#include "daemon/own_mail.h"
#include "lib/base/overloaded.h"
#include "lib/report/tls_report_mail.h"

namespace posthaste::daemon {
namespace {

using report::TlsReportDesk;

constexpr Duration kPostTimeout = std::chrono::minutes(2);

Rng seeded() {
  std::random_device device;
  return Rng(std::uint64_t{device()} << 32 | device());
}

// Any status of 2xx says that it was.
Status taken(const https::Outcome& outcome) {
  if (!outcome) return fail(ErrorCode::kIo, outcome.error().words);
  if (outcome->status / 100 != 2)
    return fail(ErrorCode::kIo, "status " + std::to_string(outcome->status));
  return {};
}

}  // namespace

Result<std::unique_ptr<TlsReporter>> TlsReporter::make(std::shared_ptr<const Runtime> runtime,
                                                       StoreThread& store, Metrics& metrics,
                                                       Log& log, IdSource ids,
                                                       TlsReportDesk::Options desk) {
  std::unique_ptr<TlsReporter> made(
      new TlsReporter(std::move(runtime), store, metrics, log, ids, desk));
  if (auto opened = made->open(); !opened) return tl::unexpected(opened.error());
  return made;
}

TlsReporter::TlsReporter(std::shared_ptr<const Runtime> runtime, StoreThread& store,
                         Metrics& metrics, Log& log, IdSource ids, TlsReportDesk::Options desk)
    : runtime_(std::move(runtime)),
      store_(store),
      metrics_(metrics),
      log_(log),
      ids_(ids),
      desk_options_(desk),
      desk_(desk_options(), seeded()),
      mailbox_(loop_, kWaitingMax, [this] { on_mail(); }),
      timer_(loop_, [this] { drain(); }),
      heartbeat_(loop_) {}

TlsReporter::~TlsReporter() { stop(); }

TlsReportDesk::Options TlsReporter::desk_options() const {
  TlsReportDesk::Options options = desk_options_;
  options.send = runtime_->config.tls.report.enabled;
  return options;
}

Status TlsReporter::open() {
  auto resolver = resolver::Resolver::make(loop_, runtime_->resolver);
  if (!resolver) return tl::unexpected(resolver.error());
  resolver_ = std::move(*resolver);
  auto client = https::Client::make(loop_, {});
  if (!client) return tl::unexpected(client.error());
  client_ = std::move(*client);
  fetcher_ = std::make_unique<HttpsFetcher>(*resolver_, *client_);
  restore();
  return {};
}

void TlsReporter::restore() {
  const Instant now = loop_.now();
  const auto read = store_.store().notes(queue::NoteKind::kTlsReport, now,
                                         [&](const std::string& key, const std::string& value,
                                             Instant) { desk_.restore(key, value, now); });
  if (!read) {
    log_.write(LogLevel::kError, "tls_report_lost",
               {{"words", "earlier counts cannot be read: " + read.error().words}});
  }
}

void TlsReporter::start() {
  timer_.set(loop_.now());
  heartbeat_.begin();
  thread_ = std::thread([this] { loop_.run(); });
}

void TlsReporter::stop() {
  if (!thread_.joinable()) return;
  mailbox_.push([](TlsReporter& reporter) {
    reporter.desk_.save(reporter.actions_);
    reporter.drain();
    reporter.loop_.stop();
  });
  thread_.join();
}

bool TlsReporter::count(report::TlsResult result) {
  const bool taken = mailbox_.try_push(std::move(result));
  if (!taken && !dropping_.exchange(true)) {
    log_.write(
        LogLevel::kWarning, "tls_report_lossy",
        {{"words", "results come faster than they are counted; some are not in the reports"}});
  }
  return taken;
}

void TlsReporter::on_store(std::vector<queue::StoreEvent>&& events) {
  auto shared = std::make_shared<std::vector<queue::StoreEvent>>(std::move(events));
  mailbox_.push([shared](TlsReporter& reporter) {
    for (const auto& event : *shared) reporter.on_store_event(event);
  });
}

void TlsReporter::on_store_event(const queue::StoreEvent& event) {
  if (const auto* accepted = std::get_if<queue::Accepted>(&event)) {
    on_mail_stored(accepted->ticket, {});
  } else if (const auto* refused = std::get_if<queue::Refused>(&event)) {
    on_mail_stored(refused->ticket, fail(ErrorCode::kIo, refused->words));
  }
}

void TlsReporter::on_mail_stored(std::uint64_t ticket, const Status& stored) {
  const auto found = storing_.find(ticket);
  if (found == storing_.end()) return;
  const Storing mail = std::move(found->second);
  storing_.erase(found);
  log_sent(mail.which, mail.to, stored);
  on_sent(mail.which, stored);
}

void TlsReporter::reconfigure(std::shared_ptr<const Runtime> runtime) {
  mailbox_.push([runtime = std::move(runtime)](TlsReporter& reporter) {
    reporter.runtime_ = runtime;
    reporter.desk_.set_options(reporter.desk_options());
  });
}

void TlsReporter::read(report::ReportDay day, std::string domain,
                       std::function<void(std::string json)> reader) {
  mailbox_.push([day, domain = std::move(domain), reader = std::move(reader)](TlsReporter& self) {
    const TlsReportDesk::Key which{day, domain};
    const report::TlsReport* report = self.desk_.find(which);
    reader(report == nullptr ? std::string()
                             : render_tls_report_json(self.head_of(which, MessageId{}), *report));
  });
}

void TlsReporter::on_mail() {
  std::vector<Mail> mail;
  mailbox_.take_all(mail);
  for (Mail& item : mail) {
    std::visit(Overloaded{
                   [&](report::TlsResult& result) { desk_.count(result, loop_.now()); },
                   [&](std::function<void(TlsReporter&)>& call) { call(*this); },
               },
               item);
  }
  drain();
}

void TlsReporter::drain() {
  desk_.tick(loop_.now(), actions_);
  // What carrying out one action gives is appended behind the others.
  for (std::size_t i = 0; i < actions_.size(); ++i) {
    auto action = std::move(actions_[i]);
    carry_out(action);
    heartbeat_.beat();  // a day may have thousands of reports
  }
  actions_.clear();
  timer_.set(desk_.deadline());
}

void TlsReporter::carry_out(TlsReportDesk::Action& action) {
  std::visit(Overloaded{
                 [&](TlsReportDesk::Keep& keep) {
                   store_.push(queue::Keep{queue::NoteKind::kTlsReport, std::move(keep.key),
                                           std::move(keep.value), keep.expires});
                 },
                 [&](TlsReportDesk::AskRecord& wanted) { ask(wanted); },
                 [&](TlsReportDesk::Send& order) { send(order); },
                 [&](TlsReportDesk::GaveUp& gave_up) {
                   metrics_.tls().report_sent(false);
                   log_.write(LogLevel::kWarning, "tls_report_failed",
                              {{"domain", gave_up.which.second},
                               {"day", report::render_day(gave_up.which.first)},
                               {"words", gave_up.words}});
                 },
             },
             action);
}

void TlsReporter::ask(const TlsReportDesk::AskRecord& wanted) {
  const auto known = resolver_->lookup(
      {wanted.name, dns::RecordType::kTxt},
      [this, which = wanted.which](const dns::Question&, const dns::Answer& answer) {
        on_record(which, answer);
        drain();
      });
  if (known) on_record(wanted.which, *known);
}

void TlsReporter::on_record(const TlsReportDesk::Key& which, const dns::Answer& answer) {
  Result<std::vector<std::string>> texts = answer.texts;
  if (temporary(answer.status)) texts = fail(ErrorCode::kIo, answer.words);
  desk_.on_record(which, texts, loop_.now(), actions_);
}

std::string TlsReporter::from() const {
  const auto& configured = runtime_->config.tls.report.from;
  return configured.empty() ? "postmaster@" + runtime_->hostname.text() : configured;
}

TlsReportHead TlsReporter::head_of(const TlsReportDesk::Key& which, MessageId id) const {
  const auto& config = runtime_->config.tls.report;
  TlsReportHead head;
  head.organization = config.organization.empty() ? runtime_->hostname.text() : config.organization;
  head.contact = config.contact.empty() ? from() : config.contact;
  const std::string unique = id.value == 0 ? "preview" : render_id(id);
  head.report_id = unique + '@' + runtime_->hostname.text();
  head.domain = which.second;
  head.day = which.first;
  return head;
}

void TlsReporter::send(const TlsReportDesk::Send& order) {
  const TlsReportHead head = head_of(order.which, ids_.next(loop_.now()));
  const std::string packed = gzip(render_tls_report_json(head, order.report));
  // RFC 8460 §3: one of the targets is enough; mail is ours to keep and try again.
  Status last = fail(ErrorCode::kInvalid, "no target takes it");
  for (const std::string& to : order.targets.mail) {
    last = send_mail(to, head, packed, order.which);
    if (last) return;  // the store's answer tells the rest
    log_sent(order.which, to, last);
  }
  if (!order.targets.https.empty()) return send_https(order.targets.https, packed, order.which);
  on_sent(order.which, last);
}

Status TlsReporter::send_mail(const std::string& to, const TlsReportHead& head,
                              const std::string& packed, const TlsReportDesk::Key& which) {
  auto recipient = mail::parse_mailbox(to, false);
  if (!recipient) return tl::unexpected(recipient.error());
  auto sender = mail::parse_mailbox(from(), false);
  if (!sender) return tl::unexpected(sender.error());
  OwnMail mail;
  mail.id = ids_.next(loop_.now());
  mail.recipient = std::move(*recipient);
  mail.sender = std::move(*sender);
  mail.origin = "TLS report about " + head.domain + " on " + report::render_day(head.day);
  mail.tls_wish = mail::TlsWish::kOptional;
  mail.now = loop_.now();
  mail.content = report::render_tls_report_mail({head.domain, runtime_->hostname.text(), from(), to,
                                                 head.report_id, head.day, packed, mail.now});
  queue::Accept request = accept_of(std::move(mail));
  const std::uint64_t ticket = store_.reporter_lane() << 48 | ++last_ticket_;
  request.ticket = ticket;
  if (!store_.try_push(std::move(request))) return fail(ErrorCode::kIo, "the queue is full");
  storing_.emplace(ticket, Storing{which, to});
  return {};
}

void TlsReporter::send_https(std::vector<std::string> urls, const std::string& packed,
                             const TlsReportDesk::Key& which) {
  https::Request request;
  request.url = urls.front();
  request.method = https::Method::kPost;
  request.body = packed;
  request.headers = {"Content-Type: application/tlsrpt+gzip"};
  request.timeout = kPostTimeout;
  const auto& ca_file = runtime_->config.tls.mta_sts_ca_file;
  if (!ca_file.empty()) request.ca_file = ca_file;
  fetcher_->send(std::move(request), runtime_->config.delivery.allow_networks,
                 [this, which, urls = std::move(urls), packed](const https::Outcome& outcome) {
                   const Status sent = taken(outcome);
                   log_sent(which, urls.front(), sent);
                   if (!sent && urls.size() > 1)
                     return send_https({urls.begin() + 1, urls.end()}, packed, which);
                   on_sent(which, sent);
                   drain();
                 });
}

void TlsReporter::log_sent(const TlsReportDesk::Key& which, const std::string& to,
                           const Status& sent) {
  log_.write(sent ? LogLevel::kInfo : LogLevel::kWarning,
             sent ? "tls_report_sent" : "tls_report_not_sent",
             {{"domain", which.second},
              {"day", report::render_day(which.first)},
              {"to", to},
              {"words", sent ? std::string() : sent.error().words}});
}

void TlsReporter::on_sent(const TlsReportDesk::Key& which, const Status& sent) {
  if (sent) metrics_.tls().report_sent(true);
  desk_.on_sent(which, sent, loop_.now(), actions_);
}

}  // namespace posthaste::daemon
