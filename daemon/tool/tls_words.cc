#include "daemon/tool/tls_words.h"

namespace posthaste::daemon::tool {

std::string demand_text(const Json& demand, const char* records) {
  std::string said = text(demand, "level");
  const std::string source = text(demand, "source");
  if (source != "operator") said += " by " + source;
  const std::string by = text(demand, "authentication");
  if (by == "none") return flag(demand, "encrypted") ? said + ": TLS, with any certificate" : said;
  said += ": TLS, verified by " + by;
  const std::string names = joined(demand, "names"), all = joined(demand, records);
  if (by != "pin" && !names.empty()) said += ", names " + names;
  if (by != "pkix" && !all.empty()) said += ", records " + all;
  return said;
}

}  // namespace posthaste::daemon::tool
