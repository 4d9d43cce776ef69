"""Mail hosts that stall: they offer STARTTLS, say 220 to it, and then nothing, for as long as they live. And domains that DNS never
answers for. What they cost the mail to everybody else is what script/bench --stalled shows."""
import selectors
import socket
import threading


class StallingHost:
    """One address, any number of connections; ended by close()."""

    def __init__(self, address, port):
        self.listener = socket.create_server((address, port), backlog=1024)
        self.listener.setblocking(False)
        self.selector = selectors.DefaultSelector()
        self.selector.register(self.listener, selectors.EVENT_READ)
        self.stalled = 0  # connections that wait in the handshake
        self.over = False
        self.thread = threading.Thread(target=self.serve, daemon=True)
        self.thread.start()

    def serve(self):
        while not self.over:
            for key, _ in self.selector.select(0.1):
                if key.fileobj is self.listener:
                    self.accept()
                else:
                    self.converse(key.fileobj)

    def accept(self):
        peer, _ = self.listener.accept()
        peer.sendall(b"220 stall\r\n")
        self.selector.register(peer, selectors.EVENT_READ)

    def converse(self, peer):
        try:
            said = peer.recv(4096)
        except OSError:
            said = b""
        if said[:4].upper() == b"EHLO":
            peer.sendall(b"250-stall\r\n250 STARTTLS\r\n")
        elif said[:8].upper() == b"STARTTLS":
            peer.sendall(b"220 go on\r\n")
            self.stalled += 1
        elif not said:  # what else comes is a hello that nobody answers
            self.selector.unregister(peer)
            peer.close()

    def close(self):
        self.over = True
        self.thread.join()
        for key in list(self.selector.get_map().values()):
            key.fileobj.close()
        self.selector.close()
