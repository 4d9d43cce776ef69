"""The policy host that other scenarios lean on: it fails exactly as it was told to, for a client that is not ours."""
import http.client
import shutil
import socket
import ssl
import tempfile
import unittest

from sts_host import Authority, StsHost


class Client(http.client.HTTPSConnection):
    """Verifies as RFC 8461 wants it, but goes where it is told."""

    def __init__(self, host):
        context = ssl.create_default_context(cafile=host.authority.file)
        context.hostname_checks_common_name = False
        super().__init__(host.name, timeout=20, context=context)
        self.there = (host.address, host.port)

    def connect(self):
        self.sock = self._context.wrap_socket(socket.create_connection(self.there, self.timeout), server_hostname=self.host)


class PolicyHost(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.mkdtemp(prefix="posthaste-sts-")
        cls.addClassCleanup(shutil.rmtree, cls.folder)
        cls.authority = Authority(cls.folder)

    def setUp(self):
        self.host = StsHost("127.0.0.1", "good.test", self.authority)
        self.addCleanup(self.host.close)
        self.host.publish("enforce", ["mx.good.test", "*.good.test"], 60)

    def get(self, path=StsHost.PATH):
        client = Client(self.host)
        try:
            client.request("GET", path)
            reply = client.getresponse()
            return reply.status, reply.headers, reply.read()
        finally:
            client.close()

    def test_serves_the_policy_and_counts_who_asks(self):
        status, headers, body = self.get()
        self.assertEqual((status, headers["Content-Type"]), (200, "text/plain"))
        self.assertEqual(body, b"version: STSv1\r\nmode: enforce\r\nmx: mx.good.test\r\nmx: *.good.test\r\nmax_age: 60\r\n")
        self.host.publish("none")
        self.assertIn(b"mode: none", self.get()[2])
        self.assertEqual(self.get("/other")[0], 404)
        self.assertEqual([request.path for request in self.host.requests], [StsHost.PATH, StsHost.PATH, "/other"])
        self.assertEqual(self.host.requests[0].host, "mta-sts.good.test")
        self.assertEqual((self.host.connections, self.host.refused), (3, 0))

    def test_shows_bad_certificates_and_good_ones_again(self):
        for kind in "wrong_name", "self_signed", "expired", "common_name":
            with self.subTest(kind):
                self.host.certificate = kind
                with self.assertRaises(ssl.SSLCertVerificationError):
                    self.get()
        self.host.certificate = "valid"
        self.assertEqual(self.get()[0], 200)
        self.assertEqual(len(self.host.requests), 1)

    def test_answers_otherwise(self):
        self.host.behaviour = "redirect"
        status, headers, _ = self.get()
        self.assertEqual((status, headers["Location"]), (302, "https://mta-sts.good.test/.well-known/mta-sts.txt?again"))
        for behaviour in "oversize", "endless":
            self.host.behaviour = behaviour
            status, headers, body = self.get()
            self.assertEqual((status, "Content-Length" in headers), (200, behaviour == "oversize"))
            self.assertGreater(len(body), 64 * 1024)
        self.host.behaviour = "html"
        self.assertEqual(self.get()[1]["Content-Type"], "text/html")
        self.host.behaviour = "not_found"
        self.assertEqual(self.get()[0], 404)

    def test_answers_not_at_all(self):
        self.host.behaviour = "close"
        with self.assertRaises(http.client.RemoteDisconnected):
            self.get()
        self.host.behaviour, self.host.delay = "slow", 0.1
        with self.assertRaises(http.client.RemoteDisconnected):
            self.get()
        self.host.behaviour = "no_tls"
        with self.assertRaises(ssl.SSLError):
            self.get()


if __name__ == "__main__":
    unittest.main(verbosity=2)
