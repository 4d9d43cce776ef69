"""What a peer can do to a TLS handshake: every row of the failure table (docs/tls.md), on the wire.

A Fault is what FakeMx takes for its `starttls`, and works behind STARTTLS and from the first octet (implicit=True) alike.
It is one of:

    OpensslPeer   a real OpenSSL server, with everything that a server can be told
    RawPeer       octets of our own in answer to the ClientHello, or none
    Choosy        one or the other, by what the ClientHello says

Each notes in the Session what it saw: session.hello (what was offered), session.handshake ("ok", or why there was none).
"""
import base64
import contextlib
import ctypes
import pathlib
import socket
import ssl
import struct
import warnings

from authority import openssl, self_signed
from fake_mx import Gone, hang_up, reset

LIBSSL = ctypes.CDLL("libssl.so.3")     # the one that Python's ssl has loaded
LIBCRYPTO = ctypes.CDLL("libcrypto.so.3")
SET_SIGALGS_LIST, SET_STATUS_CALLBACK, SET_STATUS_RESPONSE = 98, 63, 71  # of SSL_CTX_ctrl and SSL_ctrl
STATUS_CALLBACK = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p)
LIBSSL.SSL_CTX_ctrl.argtypes = LIBSSL.SSL_ctrl.argtypes = [ctypes.c_void_p, ctypes.c_int, ctypes.c_long, ctypes.c_void_p]
LIBSSL.SSL_CTX_callback_ctrl.argtypes = [ctypes.c_void_p, ctypes.c_int, STATUS_CALLBACK]
LIBCRYPTO.CRYPTO_malloc.argtypes = [ctypes.c_size_t, ctypes.c_char_p, ctypes.c_int]
LIBCRYPTO.CRYPTO_malloc.restype = ctypes.c_void_p
TLS10, TLS12, TLS13 = ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3
EVERYTHING = "ALL:@SECLEVEL=0"
DHE_RSA_AES128_GCM, STATIC_RSA = 0x009E, 0x009D  # the latter with AES256-GCM
PATIENCE = 10  # seconds that a peer waits for a client

# A prime of 512 bits, as found in the wild.
DH_512 = base64.b64decode("9SVmlin1UQEL8Hdj2hCR8C8cmprnn12/6wKGwBpGxC7a2CPaPdez5OWcloixcIbBtDUjnzBsOV0/QfBHs/GcNw==")


class Hello:
    """A ClientHello, as far as anybody wants to know (RFC 8446 §4.1.2)."""

    def __init__(self, octets):
        self.octets, self.size, self.versions, self.ciphers, self.groups, self.sni = octets, len(octets), [], [], [], None
        body = octets[9:]                     # behind the headers of record and message
        at = 34                               # version, random
        at += 1 + body[at]                    # session id
        size, = struct.unpack_from("!H", body, at)
        self.ciphers = list(struct.unpack_from(f"!{size // 2}H", body, at + 2))
        at += 2 + size
        at += 1 + body[at]                    # compression
        self.versions = [struct.unpack_from("!H", body)[0]]
        at += 2
        while at + 4 <= len(body):
            kind, size = struct.unpack_from("!HH", body, at)
            self.extension(kind, body[at + 4:at + 4 + size])
            at += 4 + size

    def extension(self, kind, data):
        if kind == 0:
            self.sni = data[5:].decode()
        elif kind == 10:
            self.groups = list(struct.unpack(f"!{(len(data) - 2) // 2}H", data[2:]))
        elif kind == 43:
            self.versions = list(struct.unpack(f"!{(len(data) - 1) // 2}H", data[1:]))

    @property
    def tls13(self):
        return 0x0304 in self.versions


def peek_hello(connection):
    """The ClientHello, left where it is for OpenSSL to read."""
    octets, wanted = b"", 5
    while len(octets) < wanted:
        before, octets = octets, connection.recv(65536, socket.MSG_PEEK | (socket.MSG_WAITALL if len(octets) == 5 else 0))
        if not octets or (octets == before and wanted > 5):
            raise Gone
        if octets[0] != 22:
            raise Gone
        if len(octets) >= 5:
            wanted = 5 + struct.unpack_from("!H", octets, 3)[0]
    return Hello(octets[:wanted])


class OpensslPeer:
    """A server of OpenSSL's. `keep` is what has to live as long as its context."""

    def __init__(self, certificate, minimum=TLS12, maximum=TLS13, ciphers=EVERYTHING, curve=None, dh=None, sigalgs=None,
                 clients=None, clients_required=True, staple=None):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # of TLS 1.0
            self.context = context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.minimum_version, context.maximum_version = minimum, maximum
        context.set_ciphers(ciphers)
        context.load_cert_chain(certificate.chain, certificate.key)
        if curve:
            context.set_ecdh_curve(curve)
        if dh:
            context.load_dh_params(dh)
        if sigalgs:
            self.control(SET_SIGALGS_LIST, sigalgs.encode())
        if clients:
            context.load_verify_locations(clients)
            context.verify_mode = ssl.CERT_REQUIRED if clients_required else ssl.CERT_OPTIONAL
        if staple:
            self.staple(staple)

    @property
    def pointer(self):
        """The SSL_CTX behind Python's object: its first member."""
        return ctypes.cast(id(self.context) + object.__basicsize__, ctypes.POINTER(ctypes.c_void_p)).contents

    def control(self, command, text):
        if LIBSSL.SSL_CTX_ctrl(self.pointer, command, 0, text) != 1:
            raise AssertionError(f"OpenSSL does not take {text}")

    def staple(self, response):
        def give(connection, _argument):
            copy = LIBCRYPTO.CRYPTO_malloc(len(response), b"", 0)  # OpenSSL frees it
            ctypes.memmove(copy, response, len(response))
            LIBSSL.SSL_ctrl(connection, SET_STATUS_RESPONSE, len(response), copy)
            return 0
        self.keep = STATUS_CALLBACK(give)
        LIBSSL.SSL_CTX_callback_ctrl(self.pointer, SET_STATUS_CALLBACK, self.keep)

    def take(self, connection, session):
        session.hello = session.hello or peek_hello(connection)
        tls = self.context.wrap_socket(connection, server_side=True, do_handshake_on_connect=False)
        try:
            tls.do_handshake()
        except (ssl.SSLError, OSError) as error:
            session.cipher = tls.cipher()  # TLS 1.3: the client may be through when we are not
            session.handshake = getattr(error, "reason", None) or type(error).__name__
            hang_up(tls)
            raise Gone
        session.handshake, session.resumed, session.version, session.cipher = "ok", tls.session_reused, tls.version(), tls.cipher()
        return tls


class RawPeer:
    """answer(connection): says what it wants, or nothing."""

    def __init__(self, answer):
        self.answer = answer

    def take(self, connection, session):
        session.hello = session.hello or peek_hello(connection)
        connection.recv(session.hello.size, socket.MSG_WAITALL)
        session.handshake = "refused"
        self.answer(connection)
        hang_up(connection)
        raise Gone


class Choosy:
    """judge(hello): the peer that answers it."""

    def __init__(self, judge):
        self.judge = judge

    def take(self, connection, session):
        session.hello = peek_hello(connection)
        return self.judge(session.hello).take(connection, session)


def says(octets):
    return RawPeer(lambda connection: connection.sendall(octets))


def alert(number, level=2):
    return says(bytes((21, 3, 3, 0, 2, level, number)))


def server_flight(*messages):
    octets = b"".join(bytes((kind,)) + struct.pack("!I", len(body))[1:] + body for kind, body in messages)
    return says(b"\x16\3\3" + struct.pack("!H", len(octets)) + octets)


def server_hello(version, cipher, extensions=b""):
    """The start of an answer, as an old or an odd server would give it (RFC 5246 §7.4.1.3)."""
    return 2, struct.pack("!H", version) + bytes(range(32)) + b"\0" + struct.pack("!HB", cipher, 0) + extensions


def weak_dh(certificate):
    """DHE over 512 bits: OpenSSL itself does not offer that any more (RFC 5246 §7.4.2, §7.4.3)."""
    def sized(octets, width=2):
        return struct.pack("!I", len(octets))[4 - width:] + octets

    der = ssl.PEM_cert_to_DER_cert(pathlib.Path(certificate.file).read_text())
    params = sized(DH_512) + sized(b"\2") + sized(DH_512[:-1] + b"\1")
    no_signature = b"\4\1" + sized(bytes(256))
    renegotiation_info = b"\0\5\xff\1\0\1\0"
    flight = server_flight(server_hello(0x0303, DHE_RSA_AES128_GCM, renegotiation_info), (11, sized(sized(der, 3), 3)),
                           (12, params + no_signature))
    return Choosy(lambda hello: flight if DHE_RSA_AES128_GCM in hello.ciphers else alert(40))


def silence(connection):
    connection.settimeout(PATIENCE)
    with contextlib.suppress(OSError):
        while connection.recv(65536):  # until the other side gives up
            pass


CLOSES = RawPeer(lambda connection: None)
RESETS = RawPeer(lambda connection: (reset(connection), connection.close()))
SILENT = RawPeer(silence)


class Certificates:
    """One of each kind of certificate, all for `names`."""

    def __init__(self, folder, ca, other_ca, intermediate, names, domain_names=(), host_names=()):
        self.ca, self.other_ca, self.intermediate = ca, other_ca, intermediate
        self.good = ca.issue("good", names)
        self.rsa = ca.issue("rsa", names, key="rsa:2048")
        self.self_signed = self_signed(folder, "self-signed", names)
        self.unknown_ca = other_ca.issue("unknown", names)
        self.with_root = other_ca.issue("with root", names, along=[other_ca])
        self.with_intermediate = intermediate.issue("deep", names, along=[intermediate])
        self.without_intermediate = intermediate.issue("deep alone", names)
        self.expired = ca.issue("expired", names, begins=-60, ends=-30)
        self.not_yet_valid = ca.issue("early", names, begins=30, ends=60)
        self.wrong_name = ca.issue("wrong name", ["mx.elsewhere.test"])
        self.host_only = ca.issue("host only", list(host_names) or names)
        self.domain_only = ca.issue("domain only", list(domain_names) or names)
        self.wrong_purpose = ca.issue("client", names, kind="client")
        self.weak_key = ca.issue("weak key", names, key="rsa:768")
        self.weak_digest = ca.issue("weak digest", names, digest="sha1")
        self.ed448 = ca.issue("ed448", names, key="ed448")
        self.other_key = ca.issue("other key", names)
        self.anchored = ca.issue("anchored", names, along=[ca])
        self.anchored_wrong_name = ca.issue("anchored wrong name", ["mx.elsewhere.test"], along=[ca])
        self.anchored_expired = ca.issue("anchored expired", names, begins=-60, ends=-30, along=[ca])
        self.revoked = ca.issue("revoked", names)
        self.crl = ca.crl([self.revoked])


def peers(folder, certificates):
    """{row: what FakeMx takes for `starttls`}. What each leads to is said in tls_matrix_test.py."""
    c = certificates
    dh_2048 = f"{folder}/dh-2048.pem"
    openssl("genpkey", "-genparam", "-algorithm", "DH", "-pkeyopt", "group:ffdhe2048", "-out", dh_2048)
    clients = c.other_ca.file
    good, static_rsa = OpensslPeer(c.good), OpensslPeer(c.rsa, maximum=TLS12, ciphers="AES256-GCM-SHA384")
    tls12 = OpensslPeer(c.good, maximum=TLS12)
    rows = {
        "good": good,
        "good_tls12": tls12,
        "good_rsa": OpensslPeer(c.rsa, maximum=TLS12),
        "asks_for_certificate": OpensslPeer(c.good, clients=clients, clients_required=False),
        # ---- STARTTLS itself
        "not_offered": None,
        "refused_temporary": "refuse_temporary",
        "refused_permanent": "refuse_permanent",
        "starttls_421": b"421 4.3.2 going down\r\n",
        "starttls_closed": "close",
        "starttls_silence": "silent",
        "starttls_injection": b"220 2.0.0 go\r\n250 mx.injected.test\r\n",
        # ---- what both can speak
        "static_rsa": static_rsa,
        "no_common_cipher": OpensslPeer(c.good, maximum=TLS12, ciphers="ECDHE-ECDSA-CAMELLIA256-SHA384"),
        "no_common_group": OpensslPeer(c.good, minimum=TLS13, curve="secp521r1"),
        "no_common_signature": OpensslPeer(c.ed448),
        "tls10_only": OpensslPeer(c.rsa, minimum=TLS10, maximum=TLS10),
        "answers_in_tls10": server_flight(server_hello(0x0301, 0xC013)),
        "sha1_signature": OpensslPeer(c.rsa, minimum=TLS10, maximum=TLS10),
        "sha1_only": OpensslPeer(c.rsa, maximum=TLS12, sigalgs="RSA+SHA1"),
        "dh_512": weak_dh(c.rsa),
        "dh_2048": OpensslPeer(c.rsa, maximum=TLS12, ciphers="DHE-RSA-AES128-GCM-SHA256", dh=dh_2048),
        "legacy_renegotiation": server_flight(server_hello(0x0303, 0xC02B)),
        # ---- no TLS, or no sense
        "says_454": says(b"454 4.7.0 TLS not available due to local problem\r\n"),
        "says_http": says(b"HTTP/1.0 400 Bad Request\r\n\r\n"),
        "says_220": says(b"220 mx.plain.test ESMTP\r\n"),
        "malformed": says(b"\x16\3\3\0\4\2\0\0\0"),
        "closes": CLOSES,
        "resets": RESETS,
        "silent": SILENT,
        "large_hello_resets": Choosy(lambda hello: RESETS if hello.tls13 else tls12),
        "large_hello_closes": Choosy(lambda hello: CLOSES if hello.tls13 else tls12),
        "large_hello_silent": Choosy(lambda hello: SILENT if hello.tls13 else tls12),
        "third_time": Choosy(lambda hello: RESETS if hello.tls13 and STATIC_RSA not in hello.ciphers else static_rsa),
        "three_times": Choosy(lambda hello: RESETS if hello.tls13 else static_rsa),
        # ---- our certificate
        "wants_certificate_tls12": OpensslPeer(c.good, maximum=TLS12, clients=clients),
        "wants_certificate_tls13": OpensslPeer(c.good, minimum=TLS13, clients=clients),
        "rejects_certificate_tls12": OpensslPeer(c.good, maximum=TLS12, clients=clients),
        "rejects_certificate_tls13": OpensslPeer(c.good, minimum=TLS13, clients=clients),
        "takes_certificate": OpensslPeer(c.good, clients=c.ca.file),
        # ---- its certificate
        **{row: OpensslPeer(getattr(c, row)) for row in CERTIFICATE_ROWS},
        "revoked_crl": OpensslPeer(c.revoked),
        "revoked_staple": OpensslPeer(c.revoked, staple=c.ca.staple(c.revoked)),
        "good_staple": OpensslPeer(c.good, staple=c.ca.staple(c.good)),
        **{f"alert_{number}": alert(number) for number in ALERTS},
    }
    return rows


def certificate_of(row, certificates):
    """The one that the peer of a row shows, where it shows one."""
    if row in ("static_rsa", "third_time", "three_times", "good_rsa", "dh_2048", "dh_512", "sha1_only", "sha1_signature", "tls10_only"):
        return certificates.rsa
    if row.startswith("revoked"):
        return certificates.revoked
    named = {"no_common_signature": "ed448"}.get(row, row)
    return getattr(certificates, named, certificates.good) if named in CERTIFICATE_ROWS + ("ed448",) else certificates.good


CERTIFICATE_ROWS = ("self_signed", "unknown_ca", "with_root", "with_intermediate", "without_intermediate", "expired",
                    "not_yet_valid", "wrong_name", "host_only", "domain_only", "wrong_purpose", "weak_key", "weak_digest",
                    "anchored", "anchored_wrong_name", "anchored_expired", "other_key")
# RFC 8446 §6.2 and what older ones have; 255 is nobody's.
ALERTS = (10, 20, 21, 22, 40, 41, 42, 43, 44, 45, 46, 47, 48, 49, 50, 51, 70, 71, 80, 86, 90, 109, 110, 112, 113, 115, 116, 120, 255)
