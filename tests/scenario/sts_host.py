"""StsHost: the policy host of a domain, mta-sts.DOMAIN, as a real HTTPS server that can go wrong in every way that a
scenario needs; and the Authority whose certificates it shows.

    authority = Authority(folder)                        # authority.file is what a client should trust
    with StsHost(house.address(), "good.test", authority, port=443) as host:
        host.publish("enforce", ["mx.good.test"])        # or host.policy = any text
        ...
        host.certificate = "wrong_name"                  # from the next connection on
        host.behaviour = "redirect"
        assert [request.path for request in host.requests] == [StsHost.PATH]

  certificate  "valid", "wrong_name", "self_signed", "expired", "common_name" (the name is only there)
  behaviour    "serve", "redirect", "slow" (says nothing for `delay` seconds), "oversize" (with its length), "endless" (without
               one), "close" (no answer), "not_found", "html" (the policy as text/html), "no_tls"
"""
import http.server
import pathlib
import socket
import ssl
import subprocess
import threading
import types

WHY_443 = "policy hosts are called at port 443, which wants root or CAP_NET_BIND_SERVICE"


def port_443_is_ours():
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.255.255.254", 443))
        except PermissionError:
            return False
        return True


class Authority:
    """A certificate authority of P-256 in a folder."""

    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        self.file, self.key = f"{folder}/sts-ca.pem", f"{folder}/sts-ca.key"
        self.made, self.lock = {}, threading.Lock()
        self.openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", self.key,
                     "-out", self.file, "-days", "30", "-subj", "/CN=Scenario CA",
                     "-addext", "basicConstraints=critical,CA:TRUE")

    @staticmethod
    def openssl(*arguments):
        subprocess.run(["openssl", *arguments], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def context(self, host, kind):
        """A server's context with a certificate of that kind."""
        with self.lock:
            if (host, kind) not in self.made:
                self.made[host, kind] = self.make(host, kind)
            return self.made[host, kind]

    def make(self, host, kind):
        name = {"wrong_name": f"elsewhere.{host}", "common_name": f"elsewhere.{host}"}.get(kind, host)
        subject = host if kind == "common_name" else name
        base = f"{self.folder}/sts-{kind}-{host}"
        self.openssl("req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout",
                     f"{base}.key", "-out", f"{base}.csr", "-subj", f"/CN={subject[:64]}")
        pathlib.Path(f"{base}.ext").write_text(f"subjectAltName=DNS:{name}\nbasicConstraints=CA:FALSE\n")
        sign = ["x509", "-req", "-in", f"{base}.csr", "-extfile", f"{base}.ext", "-out", f"{base}.pem",
                "-days", "-1" if kind == "expired" else "30"]
        if kind == "self_signed":
            self.openssl(*sign, "-signkey", f"{base}.key")
        else:
            self.openssl(*sign, "-CA", self.file, "-CAkey", self.key, "-CAcreateserial")
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(f"{base}.pem", f"{base}.key")
        return context


class StsHost:
    PATH = "/.well-known/mta-sts.txt"
    OVERSIZE = 64 * 1024 + 1

    def __init__(self, address, domain, authority, port=0):
        self.name, self.authority, self.lock = f"mta-sts.{domain}", authority, threading.Lock()
        self.policy, self.certificate, self.behaviour, self.delay = "", "valid", "serve", 120
        self.requests = []      # path, host, agent, version of TLS; in the order they came
        self.connections = 0    # those that never became a request too
        self.refused = 0        # handshakes that failed: the client did not like the certificate
        self.closing = threading.Event()
        self.server = Server((address, port), self)
        self.address, self.port = self.server.server_address[:2]
        self.thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        self.thread.start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def publish(self, mode, mx=(), max_age=86400):
        self.policy = "".join(f"{line}\r\n" for line in
                              ["version: STSv1", f"mode: {mode}", *(f"mx: {name}" for name in mx), f"max_age: {max_age}"])

    def close(self):
        self.closing.set()
        self.server.shutdown()
        self.server.server_close()
        self.thread.join(5)

    def count(self, what):
        with self.lock:
            setattr(self, what, getattr(self, what) + 1)


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, endpoint, host):
        self.host = host
        super().__init__(endpoint, Handler)

    def server_bind(self):
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.socket.bind(self.server_address)  # HTTPServer would ask DNS for its own name
        self.server_address = self.socket.getsockname()
        self.server_name, self.server_port = self.host.name, self.server_address[1]

    def finish_request(self, request, client_address):
        """In the connection's thread, so that a slow handshake holds nobody else."""
        host = self.host
        host.count("connections")
        request.settimeout(60)
        if host.behaviour == "no_tls":
            request.sendall(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")
            return
        try:
            secured = host.authority.context(host.name, host.certificate).wrap_socket(request, server_side=True)
        except OSError:
            host.count("refused")
            return
        with secured:
            super().finish_request(secured, client_address)

    def handle_error(self, request, client_address):
        pass  # a client that hangs up is what some scenarios are about


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def do_GET(self):
        host = self.server.host
        with host.lock:
            host.requests.append(types.SimpleNamespace(path=self.path, host=self.headers["Host"],
                                                       agent=self.headers["User-Agent"], tls=self.connection.version()))
        self.close_connection = True
        if host.behaviour == "slow":
            host.closing.wait(host.delay)
        elif host.behaviour == "redirect":
            self.answer(302, "moved", location=f"https://{host.name}{host.PATH}?again")
        elif host.behaviour == "oversize":
            self.answer(200, host.policy + "x" * host.OVERSIZE)
        elif host.behaviour == "endless":
            self.answer(200, host.policy + "x" * host.OVERSIZE, length=False)
        elif host.behaviour == "not_found" or self.path != host.PATH:
            self.answer(404, "nothing here")
        elif host.behaviour == "html":
            self.answer(200, host.policy, content_type="text/html")
        elif host.behaviour != "close":
            self.answer(200, host.policy)

    def answer(self, status, body, content_type="text/plain", location=None, length=True):
        octets = body.encode()
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        if length:
            self.send_header("Content-Length", str(len(octets)))
        if location:
            self.send_header("Location", location)
        self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(octets)
