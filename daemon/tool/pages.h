// Pages: several pages of a list of the admin API as one answer: items joined, "now" of the first,
// "next" of the last.
//
// Lifetime     one command. Threads: any.
// Does not     ask for pages, or look into their items.
#pragma once

#include <string>
#include <string_view>

#include "daemon/tool/answer.h"
#include "daemon/tool/table.h"
#include "lib/base/result.h"

namespace posthaste::daemon::tool {

class Pages {
 public:
  // `items`: what the list is called in the answers.
  explicit Pages(std::string items) : items_(std::move(items)) {}

  // How many items there are after `json` was added. Error: kCorrupt.
  Result<std::size_t> add(std::string_view json);
  const std::string& next() const { return next_; }  // cursor; empty: that was all
  std::string json() const;

 private:
  const std::string items_;
  std::string now_;     // as JSON
  std::string joined_;  // their JSON, separated by commas
  std::size_t count_ = 0;
  std::string next_;
};

// The line below a list: how much it shows, and whether there is more.
std::string end_of_page(const Json& answer, std::string_view shown, const Style& style);

}  // namespace posthaste::daemon::tool
