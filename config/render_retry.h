// write_retry: the `retry:` section of a Config, as it would be written.
#pragma once

#include "config/yaml_writer.h"
#include "lib/policy/retry_policy.h"

namespace posthaste::config {

void write_retry(YamlWriter& out, const policy::RetryPolicies& retry);

}  // namespace posthaste::config
