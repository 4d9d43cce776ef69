// TlsReportDesk: keeps the TLS reports of all domains, day by day, and sees to it that each is sent
// once its day is over, as a pure function of its inputs.
//
//   counting --midnight UTC, and a while--> asking for the record --targets--> sending --> sent
//                                             |          ^                       |
//                                             | no record | try again later -----'
//                                             v
//                                          sent (to nobody)
//
// Lifetime     the process's.
// Threads      none: one thread at a time. Clock: the `now` given. Randomness: the Rng given.
// Limits       Options. Domains beyond domains_max of a day are not counted. One tick() gives a
//              bounded number of things to do, and walks all reports only when one is due.
// Implements   RFC 8460 §4.1 (a UTC day), §5.4 (spread over hours, tried again for a day).
// Does not     resolve, send, or store: it says what is to be done.
#pragma once

#include <cstddef>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "lib/base/result.h"
#include "lib/base/rng.h"
#include "lib/base/time.h"
#include "lib/report/tls_report.h"
#include "lib/report/tls_report_record.h"

namespace posthaste::report {

class TlsReportDesk {
 public:
  struct Options {
    bool send = false;  // false: reports are only kept, for the operator to look at
    std::size_t domains_max = 10'000;
    Duration spread = std::chrono::hours(4);  // after midnight: not everybody at once
    Duration retry = std::chrono::hours(1);
    Duration give_up = std::chrono::hours(24);  // after midnight
    Duration save_every = std::chrono::seconds(30);
    Duration kept = std::chrono::hours(8 * 24);  // after midnight of the day's beginning
    std::size_t saves_at_once = 1'000;           // the rest a moment later
    std::size_t questions_at_once = 100;
  };
  // Which report: sorts by day.
  using Key = std::pair<ReportDay, std::string>;

  // Store under `key`; replaces what was there.
  struct Keep {
    std::string key;
    std::string value;
    Instant expires;
  };
  struct AskRecord {  // answer with on_record
    Key which;
    std::string name;  // of the TXT record
  };
  struct Send {  // answer with on_sent
    Key which;
    TlsReportTargets targets;
    TlsReport report;
  };
  struct GaveUp {  // for the log
    Key which;
    std::string words;
  };
  using Action = std::variant<Keep, AskRecord, Send, GaveUp>;
  using Actions = std::vector<Action>;

  TlsReportDesk(Options options, Rng rng) : options_(options), rng_(rng) {}

  void count(const TlsResult& result, Instant now);
  // What Keep stored. What cannot be read is left out.
  void restore(std::string_view key, std::string_view value, Instant now);
  // The TXT records, as texts; an error kNotFound or kInvalid: nobody wants the report; any other:
  // DNS would not say.
  void on_record(const Key& which, const Result<std::vector<std::string>>& texts, Instant now,
                 Actions& out);
  // An error is the trouble of the last target; with several, one that took it is enough.
  void on_sent(const Key& which, const Status& sent, Instant now, Actions& out);
  void tick(Instant now, Actions& out);
  Instant deadline() const;
  // Everything that has not been saved yet, before the process ends.
  void save(Actions& out);

  // null: nothing was counted.
  const TlsReport* find(const Key& which) const;
  void set_options(Options options) { options_ = options; }

 private:
  enum class Phase : std::uint8_t { kOpen, kAsking, kSending, kSent };
  struct Entry {
    TlsReport report;
    Phase phase = Phase::kOpen;
    Instant due;  // kOpen: when it is sent, or tried again
    bool dirty = false;
  };
  using Entries = std::map<Key, Entry>;

  Entry& entry_of(const Key& which);
  void save_some(std::size_t most, Instant now, Actions& out);
  void send_due(Instant now, Actions& out);
  void try_later(Entries::iterator at, const std::string& words, Instant now, Actions& out);
  static void settle(Entry& entry);

  Options options_;
  Rng rng_;
  Entries entries_;
  Instant next_save_ = kNever;
  Instant next_due_ = kNever;  // of all open entries; never too late
  ReportDay counted_day_{};
  std::size_t counted_domains_ = 0;  // of counted_day_
};

}  // namespace posthaste::report
