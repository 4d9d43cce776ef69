// Asking: a Loop with a Resolver, and questions to it that are waited for.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "lib/io/loop.h"
#include "lib/resolver/resolver.h"

namespace posthaste::resolver {

class Asking : public ::testing::Test {
 protected:
  // Tests of silence use a short time-out; all others must never need one.
  static Options options_for(std::vector<Endpoint> servers,
                             Duration timeout = std::chrono::seconds(10)) {
    Options options;
    options.servers = std::move(servers);
    options.timeout = timeout;
    options.tries = 1;
    return options;
  }

  void use(const Options& options) {
    auto made = Resolver::make(loop_, options);
    ASSERT_TRUE(made) << made.error().words;
    resolver_ = std::move(*made);
  }

  // Runs the loop until stop() or, as a failure, for half a minute.
  void run() {
    io::Timer guard(loop_, [this] {
      ADD_FAILURE() << "no answer in half a minute";
      loop_.stop();
    });
    guard.set(loop_.now() + std::chrono::seconds(30));
    loop_.run();
  }

  dns::Answer ask(const std::string& name, dns::RecordType type) {
    dns::Answer result;
    bool inside = true;
    const auto at_once = resolver_->lookup(
        {name, type}, [&](const dns::Question& question, const dns::Answer& answer) {
          EXPECT_FALSE(inside) << "called from inside lookup()";
          EXPECT_EQ(question, (dns::Question{name, type})) << "as it was asked";
          result = answer;
          loop_.stop();
        });
    inside = false;
    if (at_once) return *at_once;
    run();
    return result;
  }

  io::Loop loop_;
  std::unique_ptr<Resolver> resolver_;
};

}  // namespace posthaste::resolver
