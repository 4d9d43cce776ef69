"""Hosts that fail, in every way that deserves another host, another time, or a bounce."""
import unittest

from house import House


class FailsOver(unittest.TestCase):
    def two_hosts(self, **first):
        house = House()
        if first:
            bad = house.receiver("mx1.pair.test", **first)
        else:
            bad = None
            house.host("mx1.pair.test")
        good = house.receiver("mx2.pair.test")
        house.domain("pair.test", ["mx1.pair.test", "mx2.pair.test"])
        return house, bad, good

    def check_second_host_takes_it(self, **first):
        house, _, good = self.two_hosts(**first)
        with house:
            house.start()
            message = house.submit("a@sender.test", ["b@pair.test"])
            house.wait_for(lambda: good.messages, 20)
            event = house.wait_event("delivered", id=message)
            self.assertIn("mx2.pair.test", event["host"])
            self.assertEqual(event["attempt"], "1")

    def test_a_refused_connection_leads_to_the_next_host(self):
        self.check_second_host_takes_it()

    def test_a_421_greeting_leads_to_the_next_host(self):
        self.check_second_host_takes_it(greeting="421 4.3.2 too busy")

    def test_a_554_greeting_leads_to_the_next_host(self):
        self.check_second_host_takes_it(greeting="554 5.7.1 no service for you")

    def test_a_connection_closed_before_the_greeting_leads_to_the_next_host(self):
        self.check_second_host_takes_it(greeting="drop")

    def test_a_host_that_never_greets_leads_to_the_next_host(self):
        self.check_second_host_takes_it(greeting="silent")

    def test_garbage_for_a_greeting_leads_to_the_next_host(self):
        self.check_second_host_takes_it(greeting="\x00\x01\x02 what is this")

    def test_a_connection_lost_at_mail_leads_to_the_next_host(self):
        self.check_second_host_takes_it(mail="drop")

    def test_a_connection_reset_at_data_leads_to_the_next_host(self):
        self.check_second_host_takes_it(data="reset")

    def test_421_at_mail_leads_to_the_next_host_or_a_deferral_without_loss(self):
        house, _, good = self.two_hosts(mail="421 4.3.2 going down")
        house.config["retry"]["default"]["intervals"] = ["1s"]
        with house:
            house.start()
            house.submit("a@sender.test", ["b@pair.test"])
            house.wait_for(lambda: good.messages or house.events("deferred"), 20)

    def test_nobody_there_defers_with_the_reason(self):
        with House() as house:
            house.host("mx.dead.test")
            house.domain("dead.test", ["mx.dead.test"])
            house.start()
            message = house.submit("a@sender.test", ["b@dead.test"])
            event = house.wait_event("deferred", id=message)
            self.assertEqual(event["class"], "connect")
            self.assertIn("refused", event["reply"].lower())
            last = house.trace(message)["events"][-1]
            self.assertEqual(last["class"], "connect")
            self.assertGreater(last["next_due"], last["time"])
            self.assertEqual(house.metric("posthaste_retry_due", within="1h") + house.metric("posthaste_retry_due", within="4h"), 1)


class AfterTheFinalDot(unittest.TestCase):
    def test_a_lost_connection_is_maybe_delivered_and_is_tried_later_not_at_once(self):
        with House() as house:
            mx = house.receiver("mx.lost.test", dot=lambda n: "drop_after" if n == 1 else "250 2.0.0 taken")
            house.domain("lost.test", ["mx.lost.test"])
            house.config["retry"]["default"]["intervals"] = ["1s"]
            house.start()
            message = house.submit("a@sender.test", ["b@lost.test"])
            event = house.wait_event("deferred", id=message)
            self.assertEqual(event["maybe_delivered"], "yes")
            self.assertEqual(house.metric("posthaste_maybe_delivered_total"), 1)
            house.wait_event("delivered", id=message)
            self.assertEqual(len(mx.messages), 2, "this is the one case in which a second copy is right")


class Retries(unittest.TestCase):
    def test_a_451_is_tried_again_when_it_is_due(self):
        with House() as house:
            replies = ["451 4.7.1 greylisted", "250 2.1.5 ok"]
            mx = house.receiver("mx.grey.test", rcpt=lambda _: replies.pop(0))
            house.domain("grey.test", ["mx.grey.test"])
            house.config["retry"]["default"]["intervals"] = ["1s"]
            house.start()
            message = house.submit("a@sender.test", ["b@grey.test"])
            self.assertEqual(house.wait_event("deferred", id=message)["class"], "greylist")
            self.assertEqual(house.wait_event("delivered", id=message)["attempt"], "2")
            self.assertEqual(len(mx.messages), 1)

    def test_recipients_of_one_message_have_fates_of_their_own(self):
        replies = {"good@mixed.test": "250 2.1.5 ok", "bad@mixed.test": "550 5.1.1 no such user", "busy@mixed.test": "452 4.2.2 full"}
        with House() as house:
            mx = house.receiver("mx.mixed.test", rcpt=replies.get)
            sender = house.receiver("mx.sender.test")
            house.domain("mixed.test", ["mx.mixed.test"])
            house.domain("sender.test", ["mx.sender.test"])
            house.start()
            message = house.submit("a@sender.test", list(replies))
            self.assertEqual(house.wait_event("delivered", id=message)["to"], "good@mixed.test")
            self.assertEqual(house.wait_event("bounced", id=message)["to"], "bad@mixed.test")
            self.assertEqual(house.wait_event("deferred", id=message)["class"], "mailbox")
            house.wait_for(lambda: sender.messages)
            self.assertEqual(mx.messages[0]["recipients"], ["good@mixed.test"])
            self.assertIn(b"bad@mixed.test", sender.messages[0]["body"])
            self.assertNotIn(b"busy@mixed.test", sender.messages[0]["body"])

    def test_what_expires_is_bounced_with_the_last_reason(self):
        with House() as house:
            house.receiver("mx.never.test", rcpt="451 4.3.0 not now")
            sender = house.receiver("mx.sender.test")
            house.domain("never.test", ["mx.never.test"])
            house.domain("sender.test", ["mx.sender.test"])
            house.config["retry"]["default"] = {"intervals": ["1s"], "jitter": 0, "expire_after": "3s"}
            house.start()
            message = house.submit("a@sender.test", ["b@never.test"])
            house.wait_event("expired", id=message)
            house.wait_for(lambda: sender.messages)
            self.assertEqual(sender.messages[0]["sender"], "")
            self.assertIn(b"not now", sender.messages[0]["body"])
            self.assertIn(b"Action: failed", sender.messages[0]["body"])


class Bounces(unittest.TestCase):
    def check_bounce(self, house, recipient, *words):
        sender = house.receiver("mx.sender.test")
        house.domain("sender.test", ["mx.sender.test"])
        with house:
            house.start()
            message = house.submit("a@sender.test", [recipient])
            house.wait_event("bounced", id=message)
            house.wait_for(lambda: sender.messages)
            body = sender.messages[0]["body"].decode()
            for word in words:
                self.assertIn(word, body)
            self.assertEqual(sender.messages[0]["sender"], "")
            house.wait_for(lambda: house.metric("posthaste_queue_recipients") == 0)

    def test_a_domain_that_does_not_exist(self):
        self.check_bounce(House(), "b@nowhere.test", "5.1.2", "nowhere.test")

    def test_a_null_mx(self):
        house = House()
        house.dns.add("null.test. 60 IN MX 0 .")
        self.check_bounce(house, "b@null.test", "5.1.10")

    def test_a_loop_to_ourselves(self):
        house = House()
        house.dns.add("loop.test. 60 IN MX 10 mta.test.")
        self.check_bounce(house, "b@loop.test", "5.4.6")

    def test_a_recipient_that_is_refused(self):
        house = House()
        house.receiver("mx.no.test", rcpt="550 5.1.1 <b@no.test>: no such user")
        house.domain("no.test", ["mx.no.test"])
        self.check_bounce(house, "b@no.test", "550 5.1.1", "no such user", "multipart/report")

    def test_a_bounce_that_bounces_ends_there(self):
        with House() as house:
            house.start()
            message = house.submit("a@nowhere.test", ["b@nowhere.test"])
            house.wait_event("bounced", id=message)
            house.wait_for(lambda: len(house.events("bounced")) == 2)
            house.wait_for(lambda: house.metric("posthaste_queue_recipients") == 0)
            self.assertEqual(len(house.events("notification")), 1)


class Dns(unittest.TestCase):
    def test_servfail_is_temporary(self):
        with House() as house:
            house.dns.broken.append("broken.test")
            house.start()
            message = house.submit("a@sender.test", ["b@broken.test"])
            self.assertEqual(house.wait_event("deferred", id=message)["class"], "dns")
            self.assertFalse(house.events("bounced"))

    def test_a_mail_host_on_a_loopback_address_is_refused_unless_allowed(self):
        with House() as house:
            house.config["delivery"]["allow_networks"] = []
            mx = house.receiver("mx.inside.test")
            house.domain("inside.test", ["mx.inside.test"])
            house.start()
            message = house.submit("a@sender.test", ["b@inside.test"])
            event = house.wait_for(lambda: [e for e in house.events() if e.get("id") == message and e["event"] in ("deferred", "bounced")])[0]
            self.assertIn("allow_networks", event["reply"])
            self.assertFalse(mx.sessions)


if __name__ == "__main__":
    unittest.main()
