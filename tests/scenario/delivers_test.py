"""Mail goes in by SMTP and comes out at the right host, whole, once, with the TLS that policy and peer permit."""
import os
import unittest

from house import House


class Delivers(unittest.TestCase):
    def test_in_plaintext_where_policy_is_may_and_nothing_better_is_offered(self):
        with House() as house:
            mx = house.receiver("mx.plain.test")
            house.domain("plain.test", ["mx.plain.test"])
            house.start()
            message = house.submit("a@sender.test", ["b@plain.test"])
            house.wait_event("delivered", id=message)
            self.assertEqual(len(mx.messages), 1)
            self.assertTrue(mx.messages[0]["body"].startswith(b"Received: from "))
            self.assertIn(message.encode(), mx.messages[0]["body"])
            self.assertTrue(mx.messages[0]["body"].endswith(b"Subject: hello\r\n\r\nHello.\r\n"))
            self.assertEqual(house.metric("posthaste_attempts_total", outcome="delivered"), 1)
            self.assertEqual(house.metric("posthaste_tls_fallbacks_total", reason="not_offered"), 1)

    def test_over_starttls_where_it_is_offered(self):
        with House() as house:
            mx = house.receiver("mx.good.test", starttls=house.tls(name="mx.good.test"))
            house.domain("good.test", ["mx.good.test"])
            house.start()
            message = house.submit("a@sender.test", ["b@good.test"])
            house.wait_event("delivered", id=message)
            self.assertEqual(mx.messages[0]["tls"], "TLSv1.3")
            self.assertFalse(any(session.mail_in_plaintext for session in mx.sessions))
            self.assertEqual(house.metric("posthaste_tls_handshakes_total", direction="outbound", result="ok"), 1)
            delivered = house.trace(message)["events"][-1]
            self.assertEqual(delivered["kind"], "delivered")
            self.assertIn("TLSv1.3", delivered["tls"])

    def test_many_recipients_of_one_domain_in_one_transaction(self):
        with House() as house:
            mx = house.receiver("mx.many.test")
            house.domain("many.test", ["mx.many.test"])
            house.start()
            wanted = [f"user{n}@many.test" for n in range(50)]
            house.submit("a@sender.test", wanted)
            house.wait_for(lambda: mx.messages)
            self.assertEqual([message["recipients"] for message in mx.messages], [wanted])

    def test_recipients_of_many_domains_each_at_their_host(self):
        with House() as house:
            hosts = {}
            for n in range(10):
                hosts[n] = house.receiver(f"mx.d{n}.test")
                house.domain(f"d{n}.test", [f"mx.d{n}.test"])
            house.start()
            house.submit("a@sender.test", [f"user@d{n}.test" for n in range(10)])
            house.wait_for(lambda: all(mx.messages for mx in hosts.values()))
            for n, mx in hosts.items():
                self.assertEqual(mx.messages[0]["recipients"], [f"user@d{n}.test"])
            house.wait_for(lambda: house.metric("posthaste_queue_recipients") == 0)

    def test_every_octet_of_a_large_message_with_dots_and_long_lines(self):
        with House() as house:
            mx = house.receiver("mx.big.test")
            house.domain("big.test", ["mx.big.test"])
            house.start()
            lines = [b"." * (n % 7) + os.urandom(30).hex().encode() * (1 + n % 12) for n in range(20_000)]
            body = b"Subject: big\r\n\r\n" + b"\r\n".join(lines) + b"\r\n"
            self.assertGreater(len(body), 5_000_000)
            house.submit("a@sender.test", ["b@big.test"], body)
            house.wait_for(lambda: mx.messages, 60)
            self.assertTrue(mx.messages[0]["body"].endswith(body))

    def test_a_second_message_over_the_same_connection(self):
        with House() as house:
            mx = house.receiver("mx.reuse.test")
            house.domain("reuse.test", ["mx.reuse.test"])
            house.start()
            for n in range(3):
                house.submit("a@sender.test", ["b@reuse.test"])
                house.wait_for(lambda n=n: len(mx.messages) == n + 1)
            self.assertEqual(len(mx.sessions), 1)

    def test_to_the_domain_itself_when_it_has_no_mx(self):
        with House() as house:
            mx = house.receiver("implicit.test")
            house.start()
            house.submit("a@sender.test", ["b@implicit.test"])
            house.wait_for(lambda: mx.messages)

    def test_utf8_addresses_to_a_host_that_takes_them(self):
        with House() as house:
            mx = house.receiver("mx.utf8.test")
            house.domain("utf8.test", ["mx.utf8.test"])
            house.start()
            import smtplib
            with smtplib.SMTP("127.0.0.1", house.submission, local_hostname="submitter.test") as client:
                client.ehlo()
                client.command_encoding = "utf-8"
                client.mail("a@sender.test", ["SMTPUTF8"])
                client.rcpt("b\u00fccher@utf8.test")
                self.assertEqual(client.data("Subject: \u00fc\r\n\r\nx\r\n".encode())[0], 250)
            house.wait_for(lambda: mx.messages)
            self.assertTrue(any("SMTPUTF8" in command for command in mx.sessions[0].commands))


if __name__ == "__main__":
    unittest.main()
