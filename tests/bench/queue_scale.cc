// bench_queue_scale: what a queue costs that grows, starts and drains: fills a new one with
// RECIPIENTS messages of one recipient each, straight through the store, opens it anew as after a
// kill, gives all their fates, and prints a table. What a daemon needs besides (the schedule) is
// not in it.
//
//   bench_queue_scale DIRECTORY RECIPIENTS [BODY_BYTES]     DIRECTORY: absent; removed at the end
#include <sys/resource.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "lib/base/rng.h"
#include "queue/rocks/rocks_store.h"

namespace posthaste::queue {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::size_t kBatch = 256;  // as the daemon's group commit at most
constexpr std::size_t kGainRecords = 2'000;

double seconds_since(Clock::time_point begun) {
  return std::chrono::duration<double>(Clock::now() - begun).count();
}

double cpu_seconds() {
  rusage used{};
  ::getrusage(RUSAGE_SELF, &used);
  const auto seconds = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
  };
  return seconds(used.ru_utime) + seconds(used.ru_stime);
}

double resident_mib() {
  std::size_t size = 0, resident = 0;
  std::ifstream("/proc/self/statm") >> size >> resident;
  return static_cast<double>(resident) * 4096 / (1 << 20);
}

double disk_mib(const std::string& directory) {
  double bytes = 0;
  for (const auto& entry : std::filesystem::directory_iterator(directory)) {
    std::error_code gone;
    const auto size = entry.file_size(gone);
    if (!gone && entry.path().filename() != "ballast") bytes += static_cast<double>(size);
  }
  return bytes / (1 << 20);
}

MessageId id_of(std::size_t message) {
  return MessageId{(1'700'000'000'000 + message / 4) << 22 | (message % 4)};
}
ShardId shard_of(std::size_t message) { return Rng(message).below(kShards) & (kShards - 1U); }

class Scale {
 public:
  Scale(std::string directory, std::size_t messages, std::size_t body_bytes)
      : messages_(messages), body_(std::make_shared<const std::string>(body_bytes, 'b')) {
    options_.dir = std::move(directory);
    options_.sync = false;  // measures the queue, not the disk's flushes
    options_.min_free_space = std::uint64_t{1} << 30;
    options_.log = [](LogLevel level, std::string_view words) {
      if (level >= LogLevel::kWarning) std::printf("# %s\n", std::string(words).c_str());
    };
    std::filesystem::create_directory(options_.dir);
  }
  ~Scale() { std::filesystem::remove_all(options_.dir); }

  bool run() { return fill() && start() && drain(); }

 private:
  bool open() {
    store_.reset();
    auto opened = RocksStore::open(options_);
    if (!opened) std::fprintf(stderr, "%s\n", opened.error().words.c_str());
    if (opened) store_ = std::move(*opened);
    return opened.has_value();
  }
  Accept mail(std::size_t message) const {
    mail::Envelope envelope;
    envelope.id = id_of(message);
    envelope.sender = mail::Mailbox::trusted("sender@example.com");
    envelope.body_bytes = body_->size();
    envelope.body_chunks = 1;
    envelope.recipients_total = 1;
    envelope.submitter = "[127.0.0.1] bench.example";
    mail::PendingRecipient pending;
    pending.shard = shard_of(message);
    pending.recipient.address = mail::Mailbox::trusted("user" + std::to_string(message) + "@d" +
                                                       std::to_string(message % 500) + ".example");
    Accept accept;
    accept.envelope = std::make_shared<const mail::Envelope>(std::move(envelope));
    accept.recipients.push_back(std::move(pending));
    accept.chunks.push_back(body_);
    return accept;
  }
  // Requests for messages from `from` on, made by `make`; prints a line at each power of ten.
  template <typename Make>
  bool each(const char* what, Make&& make) {
    std::vector<Request> batch;
    std::vector<StoreEvent> events;
    std::size_t window = 0, line = 1'000;
    double cpu = cpu_seconds();
    auto begun = Clock::now();
    for (std::size_t message = 0; message < messages_;) {
      batch.clear();
      events.clear();
      while (batch.size() < kBatch && message < messages_) batch.push_back(make(message++));
      window += batch.size();
      if (!store_->commit(batch, events)) return false;
      if (message < line && message < messages_) continue;
      const auto count = static_cast<double>(window);
      std::printf("%-8s %10zu  %7.1f us  %7.1f us cpu  rss %5.0f MiB  disk %7.0f MiB\n", what,
                  message, seconds_since(begun) / count * 1e6, (cpu_seconds() - cpu) / count * 1e6,
                  resident_mib(), disk_mib(options_.dir));
      std::fflush(stdout);
      line = line < 1'000'000 ? line * 10 : line + 1'000'000;
      window = 0;
      cpu = cpu_seconds();
      begun = Clock::now();
    }
    return true;
  }

  bool fill() {
    return open() && each("accept", [this](std::size_t message) { return Request(mail(message)); });
  }

  // As after a kill: the schedule is read while new mail is taken.
  bool start() {
    auto begun = Clock::now();
    if (!open()) return false;
    const double opened = seconds_since(begun);
    double first = 0, slowest = 0;
    std::size_t entries = 0, arrived = 0;
    std::vector<StoreEvent> events;
    for (bool more = true; more;) {
      events.clear();
      more = store_->gain(kGainRecords, events);
      for (const StoreEvent& event : events) entries += std::holds_alternative<Entry>(event);
      if (first == 0 && entries > 0) first = seconds_since(begun);
      const auto asked = Clock::now();
      std::vector<Request> batch;
      batch.emplace_back(mail(messages_ + arrived++));
      if (!store_->commit(batch, events)) return false;
      slowest = std::max(slowest, seconds_since(asked));
    }
    std::printf(
        "start    %10zu  open %.2f s, first entry %.2f s, all %.2f s, rss %.0f MiB; %zu messages "
        "accepted meanwhile, the slowest in %.0f ms\n",
        entries, opened, first, seconds_since(begun), resident_mib(), arrived, slowest * 1e3);
    std::fflush(stdout);
    return entries == messages_;
  }

  bool drain() {
    const bool drained = each("deliver", [](std::size_t message) {
      Settle settle;
      settle.shard = shard_of(message);
      settle.id = id_of(message);
      settle.fates.push_back(Fate{});
      return Request(std::move(settle));
    });
    store_->give_back_room();
    const auto begun = Clock::now();
    for (int look = 0; look < 6; ++look) {
      std::printf("drained  %9.0f s after: disk %.0f MiB, rss %.0f MiB\n", seconds_since(begun),
                  disk_mib(options_.dir), resident_mib());
      std::fflush(stdout);
      std::this_thread::sleep_for(std::chrono::seconds(2));
    }
    return drained;
  }

  const std::size_t messages_;
  const mail::Chunk body_;
  RocksOptions options_;
  std::unique_ptr<RocksStore> store_;
};

}  // namespace
}  // namespace posthaste::queue

int main(int argc, char** argv) {
  if (argc < 3) {
    std::fprintf(stderr, "usage: bench_queue_scale DIRECTORY RECIPIENTS [BODY_BYTES]\n");
    return 64;
  }
  const std::size_t body_bytes = argc > 3 ? std::strtoull(argv[3], nullptr, 10) : 1024;
  posthaste::queue::Scale scale(argv[1], std::strtoull(argv[2], nullptr, 10), body_bytes);
  return scale.run() ? 0 : 1;
}
