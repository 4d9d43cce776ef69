// Transfer: one request on its way: a curl easy handle, and what has come back so far. For the .cc
// files of lib/https only: it brings <curl/curl.h> along.
//
// Lifetime     taken out of the multi handle before it goes.
// Threads      the loop's.
// Does not     drive itself. See client.cc.
#pragma once

#include <curl/curl.h>

#include <array>
#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "lib/https/client.h"

namespace posthaste::https {

struct EasyDeleter {
  void operator()(CURL* easy) const { curl_easy_cleanup(easy); }
};
struct ListDeleter {
  void operator()(curl_slist* list) const { curl_slist_free_all(list); }
};
using EasyPtr = std::unique_ptr<CURL, EasyDeleter>;
using ListPtr = std::unique_ptr<curl_slist, ListDeleter>;

class Transfer {
 public:
  Transfer(Request request, Receiver receiver);
  Transfer(const Transfer&) = delete;
  Transfer& operator=(const Transfer&) = delete;

  // Why it cannot begin; empty: it can.
  std::optional<Failure> prepare();
  CURL* easy() const { return easy_.get(); }
  // After curl is done with it.
  Outcome outcome(CURLcode code);
  Receiver take_receiver() { return std::move(receiver_); }

 private:
  void set_destination(const Origin& origin);
  void set_trust();
  void set_request();
  void set_reception();
  Failure failure_of(CURLcode code) const;

  // C's view of the two receptions. Another number than `size` ends the transfer.
  std::size_t on_body(std::string_view bytes);
  std::size_t on_header(std::string_view bytes);

  const Request request_;
  Receiver receiver_;
  EasyPtr easy_;
  ListPtr headers_, resolved_, connect_to_;
  std::array<char, CURL_ERROR_SIZE> words_{};
  std::string body_;
  std::size_t header_bytes_ = 0;
  bool too_large_ = false;
};

}  // namespace posthaste::https
