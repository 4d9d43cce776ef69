#include "daemon/tool/pages.h"

#include <fmt/format.h>

namespace posthaste::daemon::tool {

Result<std::size_t> Pages::add(std::string_view answer) {
  const auto json = parse_answer(answer);
  if (!json) return tl::unexpected(json.error());
  if (now_.empty()) now_ = json->value("now", Json(nullptr)).dump();
  for (const auto& item : list(*json, items_.c_str())) {
    joined_ += (joined_.empty() ? "" : ",") + item.dump();
    ++count_;
  }
  next_ = text(*json, "next");
  return count_;
}

std::string Pages::json() const {
  return fmt::format("{{\"now\":{},\"{}\":[{}],\"next\":{}}}\n", now_.empty() ? "null" : now_,
                     items_, joined_, next_.empty() ? "null" : Json(next_).dump());
}

std::string end_of_page(const Json& answer, std::string_view shown, const Style& style) {
  const bool more = !text(answer, "next").empty();
  return style.dull(
             fmt::format("{}{}", shown, more ? "; there are more: --limit N shows them" : "")) +
         "\n";
}

}  // namespace posthaste::daemon::tool
