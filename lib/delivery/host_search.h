// HostSearch: what DNS has to say of one mail host: its addresses, then the TLSA records that they
// lead to.
//
// Lifetime     from the first question to done().
// Limits       five questions, two of them at a time.
// Does not     ask DNS, judge addresses or TLS.
#pragma once

#include <optional>
#include <vector>

#include "lib/base/names.h"
#include "lib/dns/answer.h"
#include "lib/dns/dane.h"

namespace posthaste::delivery {

class HostSearch {
 public:
  // `index`: the host's place in its plan. `dane`: TLSA records are of interest, and `host_secure`
  // as dns::DaneSearch has it.
  HostSearch(std::size_t index, MxName name, std::uint16_t port, bool dane, bool host_secure);

  std::size_t index() const { return index_; }
  // What is to be asked now, each once.
  std::vector<dns::Question> take_questions();
  // Answers to other questions are ignored.
  void on_answer(const dns::Question& question, const dns::Answer& answer);
  bool done() const;

  // ---- REQUIRES done()
  const dns::Answer& a() const { return *a_; }
  const dns::Answer& aaaa() const { return *aaaa_; }
  // Null: nobody asked for it, or there is no address to be secure.
  const dns::DanePlan* dane() const { return search_ ? &search_->plan() : nullptr; }
  Instant expires() const;

 private:
  void begin_dane();

  const std::size_t index_;
  const MxName name_;
  const std::uint16_t port_;
  const bool wants_dane_;
  const bool host_secure_;
  std::vector<dns::Question> to_ask_;
  std::optional<dns::Answer> a_, aaaa_;
  std::optional<dns::DaneSearch> search_;
};

}  // namespace posthaste::delivery
