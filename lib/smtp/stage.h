// Stage: where in an outbound conversation something happened.
//
// Does not     say what happened: see Verdict and SessionFailure in client_session.h.
#pragma once

#include <cstdint>
#include <string_view>

namespace posthaste::smtp {

enum class Stage : std::uint8_t {
  kConnect,
  kGreeting,
  kEhlo,
  kStartTls,
  kHandshake,
  kMail,
  kRcpt,
  kData,
  kContent,
  kFinalDot,  // the end of DATA, or BDAT … LAST
  kIdle,
  kQuit,
};
inline constexpr int kStages = static_cast<int>(Stage::kQuit) + 1;

std::string_view name(Stage stage);  // "final_dot", for metrics
// For people, behind the word "while": "sending end of data -- message may be sent more than once".
std::string_view words(Stage stage);

}  // namespace posthaste::smtp
