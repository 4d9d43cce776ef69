#include "lib/report/tls_report_desk.h"

#include <algorithm>

#include "lib/base/check.h"
#include "lib/base/codec.h"

namespace posthaste::report {
namespace {

constexpr std::uint8_t kNoteVersion = 1;

std::string note_key(const TlsReportDesk::Key& which) {
  return render_day(which.first) + ' ' + which.second;
}

Instant midnight_after(ReportDay day) { return Instant(day + std::chrono::days(1)); }

}  // namespace

TlsReportDesk::Entry& TlsReportDesk::entry_of(const Key& which) {
  const auto [at, is_new] = entries_.try_emplace(which);
  if (is_new) {
    const auto spread = static_cast<std::uint64_t>(options_.spread.count());
    const Duration wait(spread == 0 ? 0 : static_cast<std::int64_t>(rng_.below(spread)));
    at->second.due = midnight_after(which.first) + wait;
    next_due_ = std::min(next_due_, at->second.due);
  }
  return at->second;
}

void TlsReportDesk::count(const TlsResult& result, Instant now) {
  const ReportDay day = report_day(now);
  if (day != counted_day_) {
    counted_day_ = day;
    const auto first = entries_.lower_bound(Key{day, {}});
    const auto end = entries_.lower_bound(Key{day + std::chrono::days(1), {}});
    counted_domains_ = static_cast<std::size_t>(std::distance(first, end));
  }
  const Key which{day, result.domain};
  if (!entries_.contains(which)) {
    if (counted_domains_ >= options_.domains_max) return;
    ++counted_domains_;
  }
  Entry& entry = entry_of(which);
  entry.report.add(result);
  entry.dirty = true;
  next_save_ = std::min(next_save_, now + options_.save_every);
}

void TlsReportDesk::restore(std::string_view key, std::string_view value, Instant now) {
  const auto day = parse_day(key.substr(0, 10));
  if (!day || key.size() < 12 || now >= Instant(*day) + options_.kept) return;
  ByteReader from(value);
  if (from.u8(0xFF) != kNoteVersion) return;
  const bool sent = from.u8(1) == 1;
  const auto report = decode_tls_report(from.rest());
  if (!from.right() || !report) return;
  counted_day_ = {};  // to be counted again
  Entry& entry = entry_of({*day, std::string(key.substr(11))});
  entry.report.merge(*report);
  if (sent) entry.phase = Phase::kSent;
}

void TlsReportDesk::settle(Entry& entry) {
  entry.phase = Phase::kSent;
  entry.dirty = true;
}

void TlsReportDesk::try_later(Entries::iterator at, const std::string& words, Instant now,
                              Actions& out) {
  Entry& entry = at->second;
  if (now + options_.retry < midnight_after(at->first.first) + options_.give_up) {
    entry.phase = Phase::kOpen;
    entry.due = now + options_.retry;
    next_due_ = std::min(next_due_, entry.due);
    return;
  }
  settle(entry);
  next_save_ = std::min(next_save_, now + options_.save_every);
  out.emplace_back(GaveUp{at->first, words});
}

void TlsReportDesk::on_record(const Key& which, const Result<std::vector<std::string>>& texts,
                              Instant now, Actions& out) {
  const auto at = entries_.find(which);
  if (at == entries_.end() || at->second.phase != Phase::kAsking) return;
  auto targets = texts.and_then(parse_tls_report_record);
  if (targets) {
    at->second.phase = Phase::kSending;
    out.emplace_back(Send{which, std::move(*targets), at->second.report});
    return;
  }
  const ErrorCode code = targets.error().code;
  if (code == ErrorCode::kNotFound || code == ErrorCode::kInvalid) {
    settle(at->second);
    next_save_ = std::min(next_save_, now + options_.save_every);
  } else {
    try_later(at, targets.error().words, now, out);
  }
}

void TlsReportDesk::on_sent(const Key& which, const Status& sent, Instant now, Actions& out) {
  const auto at = entries_.find(which);
  if (at == entries_.end() || at->second.phase != Phase::kSending) return;
  if (sent) {
    settle(at->second);
    next_save_ = now;  // a restart must not send it twice
  } else {
    try_later(at, sent.error().words, now, out);
  }
}

void TlsReportDesk::save(Actions& out) { save_some(entries_.size(), Instant{}, out); }

void TlsReportDesk::save_some(std::size_t most, Instant now, Actions& out) {
  constexpr Duration kMoment = std::chrono::milliseconds(100);
  next_save_ = kNever;
  for (auto& [which, entry] : entries_) {
    if (!entry.dirty) continue;
    if (most-- == 0) {
      next_save_ = now + kMoment;
      return;
    }
    entry.dirty = false;
    std::string value;
    ByteWriter to(value);
    to.u8(kNoteVersion);
    to.u8(entry.phase == Phase::kSent ? 1 : 0);
    to.rest(encode(entry.report));
    out.emplace_back(Keep{note_key(which), std::move(value), Instant(which.first) + options_.kept});
  }
}

void TlsReportDesk::tick(Instant now, Actions& out) {
  if (now >= next_save_) save_some(options_.saves_at_once, now, out);
  while (!entries_.empty() && now >= Instant(entries_.begin()->first.first) + options_.kept) {
    entries_.erase(entries_.begin());
  }
  if (options_.send && now >= next_due_) send_due(now, out);
}

void TlsReportDesk::send_due(Instant now, Actions& out) {
  constexpr Duration kSoon = std::chrono::seconds(1);
  std::size_t questions = 0;
  next_due_ = kNever;
  for (auto& [which, entry] : entries_) {
    if (entry.phase != Phase::kOpen) continue;
    if (entry.due > now) {
      next_due_ = std::min(next_due_, entry.due);
    } else if (now >= midnight_after(which.first) + options_.give_up) {
      // Counted while reports were off, or before a long silence of ours: too old for anybody.
      settle(entry);
      next_save_ = std::min(next_save_, now + options_.save_every);
    } else if (questions++ < options_.questions_at_once) {
      entry.phase = Phase::kAsking;
      out.emplace_back(AskRecord{which, tls_report_name(which.second)});
    } else {
      next_due_ = std::min(next_due_, now + kSoon);
    }
  }
}

Instant TlsReportDesk::deadline() const {
  Instant next = next_save_;
  if (options_.send) next = std::min(next, next_due_);
  if (!entries_.empty()) {
    next = std::min(next, Instant(entries_.begin()->first.first) + options_.kept);
  }
  return next;
}

const TlsReport* TlsReportDesk::find(const Key& which) const {
  const auto at = entries_.find(which);
  return at == entries_.end() ? nullptr : &at->second.report;
}

}  // namespace posthaste::report
