#include "config/load.h"

#include <utility>

#include "config/bind.h"
#include "config/cross_check.h"
#include "config/node.h"
#include "config/section.h"
#include "config/validate.h"

namespace posthaste::config {

LoadResult load_config(std::string_view yaml, std::string file_name) {
  Findings findings(std::move(file_name));
  const Node root = parse_yaml(yaml, findings);
  LoadResult result;
  if (!findings.has_errors()) {
    validate(root, findings);
    const Section file(root);
    Config config = bind(file, findings);
    cross_check(file, config, findings);
    if (!findings.has_errors()) result.config = std::move(config);
  }
  result.errors = findings.take_errors();
  result.warnings = findings.take_warnings();
  return result;
}

}  // namespace posthaste::config
