// sim: runs seeds through the simulator.
//
//   sim --seeds N [--from M]              N seeds; stops at the first that breaks a rule
//   sim --seed N [--trace]                one seed, with its timeline
//   … --planted NAME                      with a bug planted: succeeds if a seed finds it
//   sim --list                            the bugs that can be planted
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>

#include "tests/sim/simulation.h"

namespace posthaste::sim {
namespace {

struct Arguments {
  std::uint64_t from = 1;
  std::uint64_t seeds = 1;
  bool trace = false;
  std::string planted;
  Mutation mutation;
};

std::uint64_t seed_at_work = 0;

// A CHECK in the code under test ends the program; this line says where to look.
void on_abort(int) {
  std::fprintf(stderr, "seed %llu: aborted\nreplay: sim --seed %llu --trace\n",
               static_cast<unsigned long long>(seed_at_work),
               static_cast<unsigned long long>(seed_at_work));
}

int usage() {
  std::fputs("usage: sim (--seed N [--trace] | --seeds N [--from M]) [--planted NAME] | --list\n",
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

int run(const Arguments& arguments) {
  std::signal(SIGABRT, on_abort);
  for (std::uint64_t seed = arguments.from; seed < arguments.from + arguments.seeds; ++seed) {
    seed_at_work = seed;
    Simulation simulation(seed, arguments.mutation, arguments.trace);
    const auto violation = simulation.run();
    if (arguments.trace) std::printf("%s\n", simulation.summary().c_str());
    if (!violation) continue;
    std::printf("seed %llu: %s\n", static_cast<unsigned long long>(seed), violation->c_str());
    std::printf("replay: sim --seed %llu --trace%s%s\n", static_cast<unsigned long long>(seed),
                arguments.planted.empty() ? "" : " --planted ", arguments.planted.c_str());
    return arguments.planted.empty() ? 1 : 0;
  }
  std::printf("%llu seeds from %llu: nothing found\n",
              static_cast<unsigned long long>(arguments.seeds),
              static_cast<unsigned long long>(arguments.from));
  return arguments.planted.empty() ? 0 : 1;
}

}  // namespace
}  // namespace posthaste::sim

int main(int argc, char** argv) {
  using namespace posthaste::sim;
  Arguments arguments;
  for (int i = 1; i < argc; ++i) {
    const std::string option = argv[i];
    if (option == "--list") return list();
    if (option == "--trace") {
      arguments.trace = true;
      continue;
    }
    if (i + 1 == argc) return usage();
    const char* value = argv[++i];
    if (option == "--seed" || option == "--from") {
      arguments.from = std::strtoull(value, nullptr, 10);
    } else if (option == "--seeds") {
      arguments.seeds = std::strtoull(value, nullptr, 10);
    } else if (option == "--planted" && plant(value, arguments.mutation)) {
      arguments.planted = value;
    } else {
      return usage();
    }
  }
  return run(arguments);
}
