#include "lib/smtp/stage.h"

#include <array>
#include <cstddef>

namespace posthaste::smtp {
namespace {

struct Row {
  std::string_view name;
  std::string_view words;
};
constexpr std::array<Row, kStages> kRows{{
    {"connect", "connecting"},
    {"greeting", "waiting for the greeting"},
    {"ehlo", "sending EHLO"},
    {"starttls", "sending STARTTLS"},
    {"handshake", "shaking hands for TLS"},
    {"mail", "sending MAIL FROM"},
    {"rcpt", "sending RCPT TO"},
    {"data", "sending DATA"},
    {"content", "sending the message content"},
    {"final_dot", "sending end of data -- message may be sent more than once"},
    {"idle", "the connection was idle"},
    {"quit", "sending QUIT"},
}};

}  // namespace

std::string_view name(Stage stage) { return kRows[static_cast<std::size_t>(stage)].name; }
std::string_view words(Stage stage) { return kRows[static_cast<std::size_t>(stage)].words; }

}  // namespace posthaste::smtp
