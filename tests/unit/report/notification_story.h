// A message of Ann's and what may have become of its recipients; for tests.
#pragma once

#include <string>

#include "lib/report/notification.h"

namespace posthaste::report {

// Saturday, 21 November 2026, 12:00:00 UTC.
inline const Instant kNow = Instant(std::chrono::seconds(1'795'262'400));
inline constexpr const char* kHeaders =
    "Received: from app.example ([127.0.0.1])\r\n\tby mta1.example.com with ESMTP id "
    "6GZVYJ6000000\r\n"
    "From: Ann <ann@example.com>\r\nTo: bob@example.net\r\nSubject: The minutes\r\n"
    "Message-ID: <1@app.example>\r\n";
inline constexpr const char* kBody = "\r\nHello Bob,\r\nhere they are.\r\n";

inline mail::Envelope envelope(Duration age = std::chrono::minutes(3)) {
  mail::Envelope original;
  original.id = MessageId{0x0123456789ABCDEF};
  original.sender = mail::Mailbox::trusted("ann@example.com");
  original.arrived = kNow - age;
  return original;
}

inline ReportedRecipient unknown_user() {
  ReportedRecipient told;
  told.recipient.address = mail::Mailbox::trusted("bob@example.net");
  told.status = "5.1.1";
  told.remote_host = "mx1.example.net[192.0.2.1]:25";
  told.remote_reply = "550 5.1.1 no such user here";
  told.words = "no such user here";
  told.tls = "TLSv1.3 TLS_AES_256_GCM_SHA384 unverified (level may)";
  return told;
}

inline ReportedRecipient expired() {
  ReportedRecipient told;
  told.recipient.address = mail::Mailbox::trusted("carol@slow.example");
  told.recipient.orcpt = "rfc822;carol+minutes@slow.example";
  told.status = "5.4.7";
  told.words = "connection timed out while connecting";
  told.attempts = 23;
  told.expired = true;
  told.just_tried = false;
  return told;
}

inline ReportedRecipient without_tls() {
  ReportedRecipient told = unknown_user();
  told.recipient.address = mail::Mailbox::trusted("dora@bank.example");
  told.status = "5.7.5";
  told.remote_host = "mx.bank.example[192.0.2.7]:25";
  told.remote_reply.clear();
  told.words = "TLS with mx.bank.example failed: cert_expired (level verify by domain rule)";
  told.tls.clear();
  told.tls_failure = policy::TlsFailure::kCertExpired;
  return told;
}

inline ReportedRecipient delayed() {
  ReportedRecipient told;
  told.recipient.address = mail::Mailbox::trusted("carol@slow.example");
  told.action = Action::kDelayed;
  told.status = "4.4.1";
  told.remote_host = "mx.slow.example[192.0.2.4]:25";
  told.words = "connection timed out while connecting";
  told.attempts = 9;
  told.next_attempt = kNow + std::chrono::hours(2);
  told.retry_until = kNow + std::chrono::hours(116);
  return told;
}

inline ReportedRecipient relayed() {
  ReportedRecipient told;
  told.recipient.address = mail::Mailbox::trusted("eve@old.example");
  told.recipient.notify = mail::kNotifySuccess | mail::kNotifyFailure;
  told.action = Action::kRelayed;
  told.status = "2.0.0";
  told.remote_host = "mx.old.example[192.0.2.5]:25";
  told.remote_reply = "250 2.0.0 queued as 4711";
  told.words = "queued as 4711";
  told.tls = "TLSv1.2 ECDHE-RSA-AES128-GCM-SHA256 unverified (level may)";
  return told;
}

inline ReportedRecipient returned_by_operator(std::string words) {
  ReportedRecipient told;
  told.recipient.address = mail::Mailbox::trusted("frank@example.org");
  told.status = "5.7.1";
  told.words = std::move(words);
  told.attempts = 2;
  told.by_operator = true;
  told.just_tried = false;
  return told;
}

// About Bob, with the header section; `original` outlives it.
inline Notification about(const mail::Envelope& original,
                          std::vector<ReportedRecipient> recipients = {unknown_user()}) {
  Notification made;
  made.reporting_mta = HeloName("mta1.example.com");
  made.id = MessageId{0x0123456789ABD000};
  made.original = &original;
  made.recipients = std::move(recipients);
  made.original_headers = kHeaders;
  made.now = kNow;
  return made;
}

// What strangers say, in the worst way.
inline Notification hostile(const mail::Envelope& original) {
  Notification bad = about(original);
  ReportedRecipient& told = bad.recipients[0];
  told.remote_reply = "550 no\r\n\r\n--=_X\r\nBcc: victim@example.com\r\n\r\n" +
                      std::string(2000, 'x') + "\xFF\x01";
  told.remote_host = "evil\r\nBcc: victim@example.com[192.0.2.1]:25";
  told.recipient.orcpt = "rfc822;a\r\nBcc: victim@example.com";
  told.status = "5.1.1\r\nBcc: victim@example.com";
  told.tls = "TLSv1.3\r\nBcc: victim@example.com";
  bad.original_headers =
      "Subject: bound\r\n =?utf-8?Q?=0D=0A=0D=0ABcc:_victim@example.com?=\r\n--=_" +
      render_id(bad.id) + "_0--\r\nMessage-ID: <1@a>\r\n <2@b>\r\nX-Latin: \xE4\r\n" +
      "X-Long: " + std::string(2000, 'y') + "\r\n";
  return bad;
}

}  // namespace posthaste::report
