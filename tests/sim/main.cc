// sim: runs seeds through the simulator.
//
//   --seeds N        so many of them; stops at the first that breaks a rule
//   --from M         begins with that one
//   --jobs J         J at a time
//   --seed N         only that one
//   --trace          with its timeline
//   --planted NAME   with a bug planted: succeeds if a seed finds it
//   --progress       says now and then how far it is
//   --list           the bugs that can be planted
#include <algorithm>
#include <atomic>
#include <charconv>
#include <chrono>
#include <condition_variable>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "tests/sim/simulation.h"

namespace posthaste::sim {
namespace {

constexpr std::uint64_t kJobsMax = 256;

struct Arguments {
  std::uint64_t from = 1;
  std::uint64_t seeds = 1;
  std::uint64_t jobs = 1;
  bool trace = false;
  bool progress = false;
  std::string planted;
  Mutation mutation;
};

thread_local std::uint64_t seed_at_work = 0;

// A CHECK in the code under test ends the program; this line says where to look.
void on_abort(int) {
  std::fprintf(stderr, "seed %llu: aborted\nreplay: sim --seed %llu --trace\n",
               static_cast<unsigned long long>(seed_at_work),
               static_cast<unsigned long long>(seed_at_work));
}

int usage() {
  std::fputs(
      "usage: sim (--seed N [--trace] | --seeds N [--from M] [--jobs J] [--progress])"
      " [--planted NAME] | --list\n",
      stderr);
  return 2;
}

int list() {
  for (const NamedBug& bug : all_bugs())
    std::printf("%.*s\n", static_cast<int>(bug.name.size()), bug.name.data());
  return 0;
}

bool plant(const std::string& name, Mutation& mutation) {
  for (const NamedBug& bug : all_bugs()) {
    if (bug.name == name) mutation.bug = bug.bug;
  }
  return mutation.bug != Bug::kNone;
}

// Many seeds, some at a time. What it finds is the lowest seed that breaks a rule, however many
// work on them.
class Run {
 public:
  explicit Run(const Arguments& arguments)
      : arguments_(arguments), next_(arguments.from), end_(arguments.from + arguments.seeds) {}

  void go() {
    std::vector<std::thread> workers;
    for (std::uint64_t i = 1; i < arguments_.jobs; ++i) workers.emplace_back([this] { work(); });
    std::thread reporter;
    if (arguments_.progress) reporter = std::thread([this] { report(); });
    work();
    for (std::thread& worker : workers) worker.join();
    {
      const std::lock_guard lock(mutex_);
      over_ = true;
    }
    changed_.notify_all();
    if (reporter.joinable()) reporter.join();
  }
  struct Found {
    std::uint64_t seed;
    std::string rule;
  };
  const std::optional<Found>& found() const { return found_; }

 private:
  void work() {
    for (;;) {
      const std::uint64_t seed = next_.fetch_add(1);
      if (seed >= end_.load()) return;
      seed_at_work = seed;
      Simulation simulation(seed, arguments_.mutation, arguments_.trace);
      const auto violation = simulation.run();
      if (arguments_.trace) std::printf("%s\n", simulation.summary().c_str());
      ++done_;
      if (violation) note(seed, *violation);
    }
  }

  void note(std::uint64_t seed, const std::string& rule) {
    const std::lock_guard lock(mutex_);
    if (found_ && found_->seed < seed) return;
    found_ = Found{seed, rule};
    end_ = seed;  // nobody begins a later one
  }

  void report() {
    constexpr auto kEvery = std::chrono::seconds(10);
    const auto began = std::chrono::steady_clock::now();
    std::unique_lock lock(mutex_);
    while (!changed_.wait_for(lock, kEvery, [this] { return over_; })) {
      const std::chrono::duration<double> taken = std::chrono::steady_clock::now() - began;
      const auto done = done_.load();
      std::fprintf(stderr, "%llu of %llu seeds, %.0f a second\n",
                   static_cast<unsigned long long>(done),
                   static_cast<unsigned long long>(arguments_.seeds),
                   static_cast<double>(done) / taken.count());
    }
  }

  const Arguments& arguments_;
  std::atomic<std::uint64_t> next_, end_;
  std::atomic<std::uint64_t> done_{0};
  std::mutex mutex_;
  std::condition_variable changed_;
  bool over_ = false;
  std::optional<Found> found_;
};

int run(const Arguments& arguments) {
  std::signal(SIGABRT, on_abort);
  Run run(arguments);
  run.go();
  if (!run.found()) {
    std::printf("%llu seeds from %llu: nothing found\n",
                static_cast<unsigned long long>(arguments.seeds),
                static_cast<unsigned long long>(arguments.from));
    return arguments.planted.empty() ? 0 : 1;
  }
  const auto seed = static_cast<unsigned long long>(run.found()->seed);
  std::printf("seed %llu: %s\n", seed, run.found()->rule.c_str());
  std::printf("replay: sim --seed %llu --trace%s%s\n", seed,
              arguments.planted.empty() ? "" : " --planted ", arguments.planted.c_str());
  return arguments.planted.empty() ? 1 : 0;
}

bool parse_number(const char* text, std::uint64_t& number) {
  const char* const end = text + std::strlen(text);
  const auto parsed = std::from_chars(text, end, number);
  return parsed.ec == std::errc() && parsed.ptr == end;
}

// False: not understood. `next` is the argument behind the option; it says whether it was used.
bool take(const std::string& option, const char* next, bool& used, Arguments& arguments) {
  used = false;
  if (option == "--trace") return arguments.trace = true;
  if (option == "--progress") return arguments.progress = true;
  if (next == nullptr) return false;
  used = true;
  if (option == "--planted") {
    arguments.planted = next;
    return plant(arguments.planted, arguments.mutation);
  }
  if (option == "--seed" || option == "--from") return parse_number(next, arguments.from);
  if (option == "--seeds") return parse_number(next, arguments.seeds);
  if (option == "--jobs") return parse_number(next, arguments.jobs);
  return false;
}

}  // namespace
}  // namespace posthaste::sim

int main(int argc, char** argv) {
  using namespace posthaste::sim;
  Arguments arguments;
  for (int i = 1; i < argc; ++i) {
    const std::string option = argv[i];
    if (option == "--list") return list();
    bool used = false;
    if (!take(option, i + 1 < argc ? argv[i + 1] : nullptr, used, arguments)) return usage();
    if (used) ++i;
  }
  const bool one_timeline = !arguments.trace || (arguments.seeds == 1 && arguments.jobs == 1);
  if (arguments.jobs == 0 || arguments.jobs > kJobsMax || !one_timeline) return usage();
  return run(arguments);
}
