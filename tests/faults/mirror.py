"""A mirror on this machine that misbehaves."""

import contextlib
import gzip
import socket
import struct
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import unquote

HTML = b"<!doctype html><title>Log in</title><p>This network needs a log-in."


class Handler(BaseHTTPRequestHandler):
    """Answers with ``server.misbehave(self, body)`` while that is asked for, else as it should."""

    protocol_version = "HTTP/1.0"

    def do_GET(self):
        path = self.server.folder / unquote(self.path).lstrip("/")
        if not path.is_file():
            return self.send_error(404)
        with self.server.lock:
            self.server.left -= 1
            bad = self.server.left >= 0
        answer = self.server.misbehave if bad else right
        with contextlib.suppress(ConnectionError):
            answer(self, path.read_bytes())

    def begin(self, size, status=200, **headers):
        self.send_response(status)
        if size is not None:
            self.send_header("Content-Length", str(size))
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()

    def start(self):
        """The first byte that is asked for."""
        return int((self.headers["Range"] or "bytes=0-").removeprefix("bytes=").removesuffix("-"))

    def log_message(self, *args):
        pass


def right(to, body):
    start = to.start()
    if start >= len(body):
        return to.send_error(416)
    to.begin(len(body) - start, 206 if start else 200)
    to.wfile.write(body[start:])


def truncates(to, body):
    to.begin(len(body))
    to.wfile.write(body[: len(body) // 2])


def truncates_unsaid(to, body):
    to.begin(None)
    to.wfile.write(body[: len(body) // 2])


def stalls(to, body):
    to.begin(len(body))
    to.wfile.write(body[: len(body) // 2])
    to.wfile.flush()
    to.server.released.wait(60)


def drips(to, body):
    to.begin(len(body))
    for byte in body:
        to.wfile.write(bytes([byte]))
        to.wfile.flush()
        if to.server.released.wait(0.1):
            return


def resets(to, body):
    to.begin(len(body))
    to.wfile.write(body[: len(body) // 2])
    to.wfile.flush()
    time.sleep(0.05)
    to.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    to.connection.close()


def answers_html(to, body):
    to.begin(len(HTML), Content_Type="text/html")
    to.wfile.write(HTML)


def redirects_in_a_loop(to, body):
    to.begin(0, 302, Location=to.path)


def redirects_elsewhere(to, body):
    to.begin(0, 302, Location="http://127.0.0.1:9/gone")


def sends_wrong_bytes(to, body):
    to.begin(len(body))
    to.wfile.write(bytes(255 - b for b in body))


def sends_one_wrong_bit(to, body):
    to.begin(len(body))
    to.wfile.write(body[:-9] + bytes([body[-9] ^ 1]) + body[-8:])


def sends_too_much(to, body):
    to.begin(len(body) + 9)
    to.wfile.write(body + b"and more.")


def sends_nothing(to, body):
    to.begin(0)


def ignores_range(to, body):
    to.begin(len(body))
    to.wfile.write(body)


def lies_about_the_range(to, body):
    to.begin(len(body), 206 if to.start() else 200)
    to.wfile.write(body)


def packs(to, body):
    packed = gzip.compress(body)
    to.begin(len(packed), Content_Encoding="gzip")
    to.wfile.write(packed)


def is_busy(to, body):
    to.send_error(503)


def closes_at_once(to, body):
    to.connection.close()


MISBEHAVIOURS = (
    truncates, truncates_unsaid, stalls, drips, resets, answers_html, redirects_in_a_loop,
    redirects_elsewhere, sends_wrong_bytes, sends_one_wrong_bit, sends_too_much, sends_nothing,
    ignores_range, lies_about_the_range, packs, is_busy, closes_at_once,
)  # fmt: skip


@contextlib.contextmanager
def serving(folder, misbehave, times):
    """A server of a folder that misbehaves that many times; yields its URL."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.folder, server.misbehave, server.left = folder, misbehave, times
    server.lock, server.released = threading.Lock(), threading.Event()
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.released.set()
        server.shutdown()
        server.server_close()
