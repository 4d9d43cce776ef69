#include <utility>

#include "config/bind.h"
#include "config/values.h"

namespace posthaste::config {
namespace {

policy::RetryOverlay bind_overlay(const Section& in) {
  policy::RetryOverlay overlay;
  if (const auto texts = in.texts("intervals"); !texts.empty()) {
    overlay.intervals.emplace();
    for (const std::string& text : texts) {
      overlay.intervals->push_back(parse_duration(text).value_or(Duration::zero()));
    }
  }
  overlay.jitter = parse_fraction(in.text("jitter").value_or(""));
  overlay.expire_after = parse_duration(in.text("expire_after").value_or(""));
  overlay.delay_notice_after = parse_duration_or_never(in.text("delay_notice_after").value_or(""));
  return overlay;
}

policy::RetryOverlays bind_classes(const Section& in) {
  policy::RetryOverlays classes;
  for (const auto& [entry, section] : in.named("classes")) {
    const auto retry_class = policy::parse_retry_class(entry->key);
    if (retry_class) classes[static_cast<std::size_t>(*retry_class)] = bind_overlay(section);
  }
  return classes;
}

}  // namespace

policy::RetryPolicies bind_retry(const Section& retry) {
  policy::RetryPolicies policies;
  policy::RetryOverlay defaults = bind_overlay(retry.section("default"));
  if (defaults.intervals) policies.defaults.intervals = std::move(*defaults.intervals);
  policies.defaults.jitter = defaults.jitter.value_or(0);
  policies.defaults.expire_after = defaults.expire_after.value_or(Duration::zero());
  policies.defaults.delay_notice_after = defaults.delay_notice_after.value_or(Duration::zero());
  policies.classes = bind_classes(retry);
  for (const Section& item : retry.sections("domains")) {
    policies.rules.push_back({.match = bind_patterns(item, "match"),
                              .overlay = bind_overlay(item),
                              .classes = bind_classes(item)});
  }
  return policies;
}

}  // namespace posthaste::config
