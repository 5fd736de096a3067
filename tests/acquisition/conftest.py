"""A server that misbehaves as told, an answer to each request, and archives to serve."""

import hashlib
import subprocess
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import SimpleNamespace

import pytest

from seglossbench.acquisition.download import Patience

BODY = hashlib.shake_256(b"a scan").digest(3_000_000)


class Server:
    """Serves ``body`` on a real socket; each request takes the next of ``answers``, the last one again and again.

    An answer is a function of a handler. ``requests`` holds the headers of each request.
    """

    def __init__(self):
        self.body = BODY
        self.etag = '"first"'
        self.answers = [ranged]
        self.requests = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self):
                outer.requests.append(dict(self.headers))
                answer = outer.answers.pop(0) if len(outer.answers) > 1 else outer.answers[0]
                self.close_connection = True
                answer(self, outer)

            def log_message(self, *words):
                pass

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.http.handle_error = lambda request, address: None  # a client may hang up
        self.thread = threading.Thread(target=self.http.serve_forever, kwargs={"poll_interval": 0.01})
        self.thread.start()

    @property
    def url(self):
        return f"http://127.0.0.1:{self.http.server_port}/scans.zip"

    def close(self):
        self.http.shutdown()
        self.http.server_close()
        self.thread.join()


def send(handler, status, body=b"", **headers):
    handler.send_response(status)
    for name, value in headers.items():
        handler.send_header(name.replace("_", "-"), value)
    handler.end_headers()
    handler.wfile.write(body)


def whole(handler, server):
    """All of it, whatever range was asked for."""
    send(handler, 200, server.body, Content_Length=str(len(server.body)), ETag=server.etag)


def ranged(handler, server):
    """As a good server does it: the missing bytes, or all of them where the file is not the one that was begun."""
    start = handler.headers.get("Range")
    if start is None or handler.headers.get("If-Range", server.etag) != server.etag:
        return whole(handler, server)
    begin = int(start.removeprefix("bytes=").removesuffix("-"))
    return partial(handler, server, begin, begin)


def partial(handler, server, begin, claimed):
    body, size = server.body[begin:], len(server.body)
    send(
        handler,
        206,
        body,
        Content_Length=str(len(body)),
        ETag=server.etag,
        Content_Range=f"bytes {claimed}-{claimed + len(body) - 1}/{size}",
    )


def dropped(at, **headers):
    """An answer that ends in the middle of the body, as if the line was cut."""

    def answer(handler, server):
        start = int(handler.headers.get("Range", "bytes=0-").removeprefix("bytes=").removesuffix("-"))
        rest = server.body[start:]
        named = {"Content_Length": str(len(rest)), "ETag": server.etag} | headers
        if start:
            named["Content_Range"] = f"bytes {start}-{len(server.body) - 1}/{len(server.body)}"
        send(handler, 206 if start else 200, rest[:at], **{k: v for k, v in named.items() if v is not None})

    return answer


@pytest.fixture
def server():
    server = Server()
    yield server
    server.close()


@pytest.fixture
def patience():
    """No waiting: the waits are only written down, in ``waits``."""
    waits = []
    return SimpleNamespace(waits=waits, of=lambda **kw: Patience(sleep=waits.append, read_timeout_s=5, **kw))


@pytest.fixture
def small_disk(tmp_path):
    """A disk of two megabytes."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", folder],
        capture_output=True,
        text=True,
        check=False,
    )
    if mounted.returncode:
        pytest.skip(f"no small disk may be mounted here: {mounted.stderr.strip()}")
    yield folder
    subprocess.run(["umount", folder], check=True)
