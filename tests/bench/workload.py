# SPDX-License-Identifier: Apache-2.0
"""Per-operation costs in one Python process, plain or protected as it was started: prints {"operation": nanoseconds}.

usage: workload.py DIR PORT   (DIR: a scratch folder; PORT: an HTTP listener on loopback)
"""

import http.client
import json
import os
import socket
import subprocess
import sys
import time

folder, port = sys.argv[1], int(sys.argv[2])
path = os.path.join(folder, "1k")


def open_read():
    with open(path, "rb") as f:
        f.read()


def os_open():
    os.close(os.open(path, os.O_RDONLY))


def connect():
    socket.create_connection(("127.0.0.1", port)).close()


def http_get():
    c = http.client.HTTPConnection("127.0.0.1", port)
    c.request("GET", "/")
    c.getresponse().read()
    c.close()


def spawn():
    subprocess.run(["/bin/true"], check=True)


def measure(function, count):
    """Median of nine batches: a batch that was preempted does not count."""
    batches = []
    for _ in range(9):
        start = time.perf_counter_ns()
        for _ in range(count):
            function()
        batches.append((time.perf_counter_ns() - start) / count)
    return sorted(batches)[4]


print(
    json.dumps(
        {
            "open + read 1 KB": measure(open_read, 2000),
            "os.open + close": measure(os_open, 2000),
            "os.stat": measure(lambda: os.stat(path), 4000),
            "os.listdir": measure(lambda: os.listdir(folder), 2000),
            "create_connection": measure(connect, 200),
            "http.client GET": measure(http_get, 60),
            "subprocess.run true": measure(spawn, 12),
        }
    )
)
