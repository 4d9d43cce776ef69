#include "config/render_retry.h"

#include <algorithm>

#include "config/values.h"

namespace posthaste::config {
namespace {

void write_overlay(YamlWriter& out, const policy::RetryOverlay& overlay) {
  if (overlay.intervals) out.texts("intervals", rendered(*overlay.intervals, render_duration));
  if (overlay.jitter) out.fraction("jitter", *overlay.jitter);
  if (overlay.expire_after) out.duration("expire_after", *overlay.expire_after);
  if (overlay.delay_notice_after) {
    out.text("delay_notice_after", render_duration_or_never(*overlay.delay_notice_after));
  }
}

void write_classes(YamlWriter& out, const policy::RetryOverlays& classes) {
  out.section("classes");
  for (std::size_t i = 0; i < classes.size(); ++i) {
    if (classes[i].empty()) continue;
    out.section(policy::name(static_cast<policy::RetryClass>(i)));
    write_overlay(out, classes[i]);
    out.end();
  }
  out.end();
}

void write_rule(YamlWriter& out, const policy::ReplyRule& rule) {
  out.text("name", rule.name);
  if (!rule.about.empty()) out.text("about", rule.about);
  if (!rule.codes.empty()) out.texts("codes", rule.codes);
  if (!rule.enhanced.empty()) out.texts("enhanced", rule.enhanced);
  if (!rule.pattern.empty()) out.text("pattern", rule.pattern);
  if (!rule.hosts.empty()) write_patterns(out, "hosts", rule.hosts);
  if (!rule.stages.empty()) out.texts("stages", rule.stages);
  if (rule.retry_class) out.text("class", policy::name(*rule.retry_class));
  out.text("fate", policy::name(rule.fate));
  if (rule.slow_down) out.flag("slow_down", *rule.slow_down);
}

void write_replies(YamlWriter& out, const Replies& replies) {
  out.section("replies");
  out.texts("files", replies.files);
  out.flag("shipped", replies.shipped);
  out.items("rules", replies.rules,
            [&](const PlacedRule& placed) { write_rule(out, placed.rule); });
  out.end();
}

}  // namespace

void write_retry(YamlWriter& out, const policy::RetryPolicies& retry, const Replies& replies) {
  out.section("retry");
  out.section("default");
  const policy::RetryPolicy& all = retry.defaults;
  write_overlay(out, {all.intervals, all.jitter, all.expire_after, all.delay_notice_after});
  out.end();
  write_classes(out, retry.classes);
  out.items("domains", retry.rules, [&](const policy::RetryPolicies::Rule& rule) {
    write_patterns(out, "match", rule.match);
    write_overlay(out, rule.overlay);
    const auto says_nothing = [](const policy::RetryOverlay& overlay) { return overlay.empty(); };
    if (!std::all_of(rule.classes.begin(), rule.classes.end(), says_nothing)) {
      write_classes(out, rule.classes);
    }
  });
  write_replies(out, replies);
  out.end();
}

}  // namespace posthaste::config
