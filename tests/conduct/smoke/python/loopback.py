# SPDX-License-Identifier: Apache-2.0
"""A small HTTP server on loopback that keeps what is put, for the smoke tests."""

import contextlib
import http.server
import threading


class Handler(http.server.BaseHTTPRequestHandler):
    kept = {}
    protocol_version = "HTTP/1.1"

    def _answer(self, status, body=b"", **headers):
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _body(self):
        if "chunked" in self.headers.get("Transfer-Encoding", ""):
            body = b""
            while True:
                size = int(self.rfile.readline().split(b";")[0], 16)
                body += self.rfile.read(size)
                while self.rfile.readline().strip():
                    pass
                if not size:
                    return body
        return self.rfile.read(int(self.headers.get("Content-Length", 0)))

    def do_GET(self):  # noqa: N802
        path = self.path.split("?")[0]
        if path in self.kept:
            self._answer(200, self.kept[path], ETag='"1"', Content_Type="application/octet-stream")
        else:
            self._answer(404, b"none")

    def do_POST(self):  # noqa: N802
        self._answer(200, b"posted " + self._body())

    def do_PUT(self):  # noqa: N802
        body = self._body()
        if "aws-chunked" in self.headers.get("Content-Encoding", "") or b"\r\n0\r\n" in body:
            size, _, rest = body.partition(b"\r\n")
            body = rest[: int(size.split(b";")[0], 16)]
        self.kept[self.path.split("?")[0]] = body
        self._answer(200, b"", ETag='"1"')

    def log_message(self, *_):
        pass


@contextlib.contextmanager
def server():
    """Yields the URL."""
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as serving:
        threading.Thread(target=serving.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{serving.server_address[1]}"
        serving.shutdown()
