#include "daemon/tool/steering_story.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "daemon/tool/queue_text.h"
#include "daemon/tool/time_text.h"

namespace posthaste::daemon::tool {
namespace {

struct VerbWords {
  std::string_view verb;
  std::string_view done;
};
constexpr std::array<VerbWords, 5> kVerbs{{{"retry", "due now"},
                                           {"hold", "held"},
                                           {"release", "released"},
                                           {"remove", "removed"},
                                           {"bounce", "bounced"}}};

std::string done_words(const std::string& verb) {
  for (const auto& [known, words] : kVerbs) {
    if (known == verb) return std::string(words);
  }
  return "steered (" + verb + ")";
}

double real(const Json& json, const char* key) {
  const auto found = json.find(key);
  return found != json.end() && found->is_number() ? found->get<double>() : 0;
}

std::string lapse_text(const Json& suspension, Instant now) {
  const auto until = time(suspension, "until");
  return until ? render_when(*until, now) : "when it is resumed";
}

}  // namespace

std::string steering_progress(const Json& steering, std::size_t width) {
  const std::size_t columns = std::clamp<std::size_t>(width / 3, 10, 40);
  const std::string verb = text(steering, "verb");
  if (flag(steering, "searching")) {
    return fmt::format("{}: searching {} {} found", verb,
                       progress_bar(real(steering, "scanned_part"), columns),
                       grouped(number(steering, "found")));
  }
  const auto matched = number(steering, "matched");
  const auto left = std::min(number(steering, "left"), matched);
  const double part = matched == 0 ? 0 : double(matched - left) / double(matched);
  return fmt::format("{}: {} {} of {}", verb, progress_bar(part, columns), grouped(matched - left),
                     grouped(matched));
}

Result<std::string> tell_steering(std::string_view answer, const Style& style) {
  const auto json = parse_answer(answer);
  if (!json) return tl::unexpected(json.error());
  const std::string verb = text(*json, "verb");
  const bool dry_run = flag(*json, "dry_run");
  std::string said;
  if (dry_run) {
    said = plural(number(*json, "found"), "recipient") +
           (flag(*json, "searching") ? " so far" : "") + " would be " + done_words(verb) + "\n";
  } else if (flag(*json, "done")) {
    said = plural(number(*json, "matched"), "recipient") + " " + done_words(verb) + "\n";
  } else {
    said =
        fmt::format("{} to go of {}; ticket {} (posthaste queue progress {})\n",
                    grouped(number(*json, "left")), plural(number(*json, "matched"), "recipient"),
                    number(*json, "ticket"), number(*json, "ticket"));
  }
  if (const auto under_way = number(*json, "under_way"); under_way != 0) {
    said += style.dull(fmt::format("{} just being delivered, and left alone", grouped(under_way))) +
            "\n";
  }
  if (json->contains("queue_read") && !flag(*json, "queue_read")) {
    said +=
        style.bad("the queue was still being read after the start: ask again for the rest") + "\n";
  }
  if (const std::string trouble = text(*json, "trouble"); !trouble.empty()) {
    said += style.bad("the search ended early: " + trouble) + "\n";
  }
  return said;
}

std::string steering_question(std::string_view verb, std::uint64_t recipients) {
  return fmt::format("really {} {}? (yes)", verb, plural(recipients, "recipient"));
}

Result<std::string> tell_suspension(std::string_view answer, const Style&) {
  const auto json = parse_answer(answer);
  if (!json) return tl::unexpected(json.error());
  const Json suspension = part(*json, "suspension");
  return fmt::format("suspended {} {}; it lapses {}\n", text(suspension, "kind"),
                     text(suspension, "pattern"), lapse_text(suspension, now_of(*json)));
}

Result<std::string> tell_resumed(std::string_view answer, const Style&) {
  const auto json = parse_answer(answer);
  if (!json) return tl::unexpected(json.error());
  return plural(number(*json, "changed"), "suspension") + " ended\n";
}

Result<std::string> tell_suspensions(std::string_view answer, const Style& style) {
  const auto json = parse_answer(answer);
  if (!json) return tl::unexpected(json.error());
  const Instant now = now_of(*json);
  Table table({{"KIND"}, {"PATTERN", Align::kLeft, true}, {"SINCE"}, {"LAPSES"}, {"REASON"}});
  for (const auto& each : list(*json, "suspensions")) {
    const auto since = time(each, "since").value_or(now);
    const auto until = time(each, "until");
    table.add({text(each, "kind"), text(each, "pattern"), render_distance(since, now),
               until ? render_when(*until, now) : "never", text(each, "words")});
  }
  return table.empty() ? std::string("nothing is suspended\n") : table.render(style);
}

}  // namespace posthaste::daemon::tool
