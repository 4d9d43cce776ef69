"""aiosmtpd, in this process."""
from aiosmtpd.controller import Controller

from peers.stored import KNOWN, Stored


class Counting(Controller):
    made = 0

    def factory(self):
        self.made += 1
        return super().factory()


class Aiosmtpd:
    name = "aiosmtpd"

    def __init__(self, address, port, name, domains, certificate=None):
        del domains
        tls = None
        if certificate:
            import ssl
            tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            tls.load_cert_chain(*certificate)
        self.address, self.port = address, port
        self.stored, self.trouble, self.helloed = [], [], 0
        self.controller = Counting(self, hostname=address, port=port, server_hostname=name, tls_context=tls)
        self.controller.start()
        self.controller.made = 0  # start() looks whether it answers

    # ---- what aiosmtpd calls, in its own thread -----------------------------------------------------------------
    async def handle_EHLO(self, _server, session, _envelope, hostname, responses):
        session.host_name = hostname
        self.helloed += session.ssl is None  # another EHLO follows STARTTLS
        return responses

    async def handle_RCPT(self, _server, _session, envelope, address, options):
        if address.split("@")[0] not in KNOWN:
            return "550 5.1.1 no such user"
        envelope.rcpt_tos.append(address)
        envelope.rcpt_options.extend(options)
        return "250 2.1.5 ok"

    async def handle_DATA(self, _server, session, envelope):
        tls = session.ssl["cipher"][1] if session.ssl else ""
        self.stored.append(Stored(envelope.mail_from, list(envelope.rcpt_tos), tls, envelope.content))
        return "250 2.0.0 stored"

    async def handle_exception(self, error):
        self.trouble.append(repr(error))
        return "451 4.3.0 trouble"

    # ---- what tests ask -----------------------------------------------------------------------------------------
    def messages(self):
        return list(self.stored)

    def transactions(self):
        return len(self.stored)

    def connections(self):
        return self.controller.made

    def can_tls(self):
        return True

    def all_closed(self):
        return True

    def greeted(self):
        return self.helloed

    def complaints(self):
        return self.trouble

    def close(self):
        self.controller.stop()
