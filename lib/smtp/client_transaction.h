// ClientTransaction: one message on its way through a ClientSession, from MAIL to the reply to its
// content.
//
// The commands form a fixed sequence, numbered from 0; two positions say it all: how many were
// sent, and how many of them were answered.
//
//   [RSET] MAIL RCPT… DATA content "."            without CHUNKING
//   [RSET] MAIL RCPT… (BDAT chunk)… BDAT … LAST   with CHUNKING
//
// Lifetime     begin() to take_result(), then reusable (it keeps its memory).
// Threads      none: one thread at a time.
// Implements   RFC 5321 §3.3; RFC 2920 §3.1; RFC 3030 §2, §3.
// Does not     time out, parse replies, start TLS: see client_session.cc.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "lib/smtp/client_command.h"
#include "lib/smtp/client_session.h"
#include "lib/smtp/dot_stuffer.h"

namespace posthaste::smtp {

class ClientTransaction {
 public:
  // REQUIRES recipients. `rset`: the peer still holds an earlier transaction open. Nothing is sent
  // before drain().
  void begin(Transaction transaction, const Capabilities& capabilities, const TlsState& tls,
             bool rset, Instant now);

  // False: the connection is of no use any more (421, or a reply that makes no sense here). The
  // fates that the reply did settle are settled.
  [[nodiscard]] bool on_reply(Reply reply);
  // REQUIRES that WantBody was asked and not answered.
  void on_chunk(BodyChunk event, ClientActions& out);
  void on_body_lost(std::string_view words);
  void on_written() { unwritten_ = 0; }
  // Sends whatever is now possible; idempotent.
  void drain(ClientActions& out);

  // True when every recipient has its fate, every command its answer and every WantBody its chunk.
  bool complete() const { return over_ && !lone_dot_due_ && sent_ == answered_ && !chunk_asked_; }
  // True while a command waits for its reply.
  bool awaits_reply() const { return sent_ != answered_; }
  // True while we wait for our own store.
  bool awaits_chunk() const { return chunk_asked_; }
  // After complete(): the peer still holds this transaction open.
  bool left_open() const { return open_; }
  // What we wait for.
  Stage stage() const;

  // One outcome per recipient. Those whose fate is unknown become kUntried, or kMaybe once the end
  // of the content was sent, with `words`.
  TransactionResult take_result(std::string_view words);

 private:
  enum class Command : std::uint8_t { kRset, kMail, kRcpt, kData, kBdat, kFinalDot };
  enum class Fate : std::uint8_t { kUnknown, kAccepted, kSettled };

  void set_out_recipients();
  Command command_at(std::size_t position) const;
  std::size_t content_position() const {
    return 2 + asked_.size();
  }  // of DATA, or of the first BDAT
  bool may_send_next();
  void append_next(std::string& commands);
  void ask_chunk(ClientActions& out);
  void send_data_chunk(BodyChunk event, ClientActions& out);
  void send_bdat_chunk(BodyChunk event, ClientActions& out);

  bool on_mail_reply(const Reply& reply);
  bool on_rcpt_reply(std::size_t index, Reply reply);
  bool on_data_reply(const Reply& reply);
  bool on_bdat_reply(const Reply& reply);
  bool on_final_reply(const Reply& reply);
  bool on_unasked_reply(const Reply& reply);

  void settle(std::size_t index, Verdict verdict, Stage stage, Reply reply);
  void settle_all(Fate which, Verdict verdict, Stage stage, const Reply& reply);

  // Constant between begin() and take_result().
  Transaction transaction_;
  Capabilities capabilities_;
  bool requiretls_ = false;            // MAIL says so
  std::chrono::seconds time_left_{0};  // where the envelope has a deliver-by time
  bool ask_delay_ = false;             // RCPT says so
  std::vector<std::uint16_t> asked_;   // indexes of the recipients that RCPT is sent for

  std::vector<Fate> fates_;  // parallel to the recipients, like result_.outcomes
  TransactionResult result_;
  std::size_t sent_ = 0;      // position behind the last command sent
  std::size_t answered_ = 0;  // position of the command whose reply comes next
  std::size_t accepted_ = 0;  // recipients that the peer took and whose fate hangs on the content

  bool over_ = false;  // nothing more is sent for this message
  bool open_ = false;
  bool stray_accept_ = false;  // RCPT was accepted although MAIL was refused
  bool lone_dot_due_ = false;
  bool lone_dot_sent_ = false;

  bool content_ = false;  // chunks flow
  bool chunk_asked_ = false;
  bool last_sent_ = false;        // the final dot or BDAT LAST was sent
  std::uint16_t next_chunk_ = 0;  // to ask for
  unsigned unwritten_ = 0;        // chunks sent since the last Written
  DotStuffer stuffer_;
};

// The result of a transaction that was not begun.
TransactionResult untried(const Transaction& transaction, std::string_view words);

}  // namespace posthaste::smtp
