#include "daemon/tool/tls_story.h"

#include <fmt/format.h>

#include "daemon/tool/answer.h"

namespace posthaste::daemon::tool {

Result<std::string> tell_tls(std::string_view answer, const Style& style) {
  const auto json = parse_answer(answer);
  if (!json) return tl::unexpected(json.error());
  std::string said = "TLS to " + style.bold(text(*json, "domain")) + "\n\n";
  Table table({{"FIELD"}, {"VALUE"}, {"FROM"}});
  for (const auto& field : list(*json, "fields")) {
    table.add({text(field, "field"), text(field, "value"), text(field, "origin")});
  }
  said += table.render(style);
  const Json profile = part(*json, "profile");
  if (profile.empty()) return said;
  constexpr int kNameWidth = 20;
  said += "\nprofile " + style.bold(text(profile, "name")) + "\n";
  for (const char* key : {"min_version", "max_version", "ciphersuites", "ciphers", "groups",
                          "signature_algorithms"}) {
    said += fact(key, text(profile, key), kNameWidth);
  }
  const auto level = profile.find("security_level");
  if (level != profile.end()) said += fact("security_level", level->dump(), kNameWidth);
  return said;
}

}  // namespace posthaste::daemon::tool
