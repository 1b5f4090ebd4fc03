# SPDX-License-Identifier: Apache-2.0
"""Per-operation costs in one Python process, plain or protected as it was started. Prints the operations' names as
JSON; then each line on standard input is a number, and the answer one batch of that operation: nanoseconds for each.

usage: workload.py DIR HTTP CONNECT   (DIR: a scratch folder; ports on loopback: an HTTP server, one that hangs up)
"""

import http.client
import json
import os
import socket
import subprocess
import sys
import time

folder, http_port, connect_port = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
path = os.path.join(folder, "1k")


def open_read():
    with open(path, "rb") as f:
        f.read()


def os_open():
    os.close(os.open(path, os.O_RDONLY))


def connect():
    socket.create_connection(("127.0.0.1", connect_port)).close()


def http_get():
    c = http.client.HTTPConnection("127.0.0.1", http_port)
    c.request("GET", "/")
    c.getresponse().read()
    c.close()


def spawn():
    subprocess.run(["/bin/true"], check=True)


OPERATIONS = [
    ("open + read 1 KB", open_read, 2000),
    ("os.open + close", os_open, 2000),
    ("os.stat", lambda: os.stat(path), 4000),
    ("os.listdir", lambda: os.listdir(folder), 2000),
    ("create_connection", connect, 200),
    ("http.client GET", http_get, 60),
    ("subprocess.run true", spawn, 12),
]


def batch(function, count):
    """An eighth of the batch goes first, untimed: the other process has had the caches."""
    for _ in range(count >> 3):
        function()
    start = time.perf_counter_ns()
    for _ in range(count):
        function()
    return (time.perf_counter_ns() - start) / count


print(json.dumps([name for name, _, _ in OPERATIONS]), flush=True)
for line in sys.stdin:
    _, function, count = OPERATIONS[int(line)]
    print(batch(function, count), flush=True)
