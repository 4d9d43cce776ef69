// write_retry: the `retry:` section of a Config, as it would be written.
#pragma once

#include "config/config.h"
#include "config/yaml_writer.h"

namespace posthaste::config {

void write_retry(YamlWriter& out, const policy::RetryPolicies& retry, const Replies& replies);

}  // namespace posthaste::config
