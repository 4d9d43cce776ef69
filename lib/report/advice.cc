#include "lib/report/advice.h"

#include "lib/base/check.h"

namespace posthaste::report {
namespace {

using policy::TlsFailure;

struct Advice {
  std::string_view prefix;  // of the status without its class; the first match counts
  std::string_view words;
};
// By RFC 3463 §3.
constexpr Advice kAdvice[] = {
    {"1.7",
     "The address that you send from was not accepted. Check the sender address in your mail "
     "program."},
    {"1.8",
     "The address that you send from was not accepted. Check the sender address in your mail "
     "program."},
    {"1.10",
     "This domain says that it takes no mail at all. Find out another address of the recipient."},
    {"1.",
     "Check the address for typing errors, or ask the recipient by other means for the right one."},
    {"2.2",
     "The mailbox is full. Tell the recipient by other means, and send the message again later."},
    {"2.3",
     "The message is too large for this mailbox. Send a smaller one, or pass large files on in "
     "another way."},
    {"2.", "The mailbox does not take mail at present. Ask the recipient by other means."},
    {"3.4",
     "The message is too large for this host. Send a smaller one, or pass large files on in "
     "another way."},
    {"4.6",
     "Mail for this domain goes round in circles. Its postmaster has to mend that; tell the "
     "recipient."},
    {"4.",
     "Send the message again later. If that does not help either, tell the recipient by other "
     "means."},
    {"6.7",
     "The recipient's mail system takes no addresses outside ASCII. Ask for an address in plain "
     "letters."},
    {"6.",
     "The recipient's mail system cannot take a message of this form. Send it as plain text, for "
     "example."},
    {"7.10",
     "The message may go through encrypted connections only, and no such connection to the "
     "recipient's mail system could be had. Tell the recipient by other means."},
    {"7.30",
     "You asked for this message to be protected all the way to the recipient (REQUIRETLS), and "
     "the recipient's mail system does not promise that. Send it without that demand if it may be "
     "read on its way, or tell the recipient by other means."},
    {"7.",
     "The recipient's mail system refused the message by its rules, not for want of the mailbox. "
     "Ask your postmaster, and show him this notification."},
};

constexpr std::string_view kAskPostmaster = "Ask your postmaster, and show him this notification.";

// Where the encryption failed by something of ours.
bool is_ours(TlsFailure failure) {
  return failure == TlsFailure::kLocalError || failure == TlsFailure::kClientCertRequired ||
         failure == TlsFailure::kPeerRejectedOurCert || failure == TlsFailure::kGuarded;
}

}  // namespace

std::string_view advice(const ReportedRecipient& failed) {
  if (failed.by_operator) return "If you do not know why, ask your postmaster.";
  if (failed.expired)
    return "You may send the message again later, or tell the recipient by other means.";
  const bool tls = !tls_reason(failed.tls_failure).empty();
  if (tls && is_ours(failed.tls_failure)) return kAskPostmaster;
  if (tls) {
    return "The postmaster of the recipient's mail system has to mend that. Tell the recipient by "
           "other means.";
  }
  const std::string_view status = failed.status;
  const std::string_view code = status.size() > 2 ? status.substr(2) : std::string_view();
  for (const Advice& row : kAdvice) {
    const bool whole = row.prefix.back() != '.';
    if (whole ? code == row.prefix : code.starts_with(row.prefix)) return row.words;
  }
  return kAskPostmaster;
}

std::string_view tls_reason(TlsFailure failure) {
  switch (failure) {
    case TlsFailure::kNone:
    case TlsFailure::kRequireTlsMissing: return {};  // the advice on 7.30 says it all
    case TlsFailure::kNotOffered:
      return "The host offers no encryption, and the message must not go without it.";
    case TlsFailure::kRefusedTemporary:
    case TlsFailure::kRefusedPermanent:
      return "The host offers encryption, and refuses it when it is asked for.";
    case TlsFailure::kPeerHandshakeFailure:
    case TlsFailure::kProtocolVersion:
    case TlsFailure::kNotTls:
    case TlsFailure::kWeakKeyExchange:
    case TlsFailure::kWeakSignature:
    case TlsFailure::kLegacyRenegotiation:
    case TlsFailure::kClosed:
    case TlsFailure::kReset:
    case TlsFailure::kTimeout:
    case TlsFailure::kProtocolError:
    case TlsFailure::kPeerInsufficientSecurity:
    case TlsFailure::kPeerInternalError:
    case TlsFailure::kPeerUnrecognizedName:
    case TlsFailure::kPeerAlertOther:
      return "No encrypted connection could be agreed on with the host.";
    case TlsFailure::kCertSelfSigned:
    case TlsFailure::kCertUntrusted:
      return "The host's certificate is not signed by anybody who is trusted, so it is not certain "
             "whose host it is.";
    case TlsFailure::kCertExpired: return "The host's certificate has expired.";
    case TlsFailure::kCertNotYetValid: return "The host's certificate is not valid yet.";
    case TlsFailure::kCertHostMismatch:
      return "The host's certificate is for another name, so it is not certain whose host it is.";
    case TlsFailure::kCertWrongPurpose: return "The host's certificate is not one for servers.";
    case TlsFailure::kCertRevoked: return "The host's certificate has been revoked.";
    case TlsFailure::kCertWeak: return "The host's certificate is too weak to be relied upon.";
    case TlsFailure::kDaneNoMatch:
      return "The host's certificate is not the one that its domain announces in DNS (DANE), so it "
             "is not certain whose host it is.";
    case TlsFailure::kDaneLookup:
      return "It could not be found out which certificate the host should have (DANE).";
    case TlsFailure::kDaneRequired:
      return "The domain does not announce which certificate the host should have (DANE).";
    case TlsFailure::kStsMxMismatch:
      return "The domain's own security policy (MTA-STS) does not name the host.";
    case TlsFailure::kSuspectedStrip:
      return "The host used to offer encryption and no longer does: somebody may be listening.";
    case TlsFailure::kClientCertRequired:
    case TlsFailure::kPeerRejectedOurCert:
      return "The host wants a certificate of our mail system that it accepts.";
    case TlsFailure::kLocalError:
    case TlsFailure::kGuarded: return "The encryption failed by a fault of our own mail system.";
  }
  check_failed(__FILE__, __LINE__, "a known TlsFailure");
}

}  // namespace posthaste::report
