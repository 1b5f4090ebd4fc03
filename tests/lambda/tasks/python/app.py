# SPDX-License-Identifier: Apache-2.0
"""Does what the event says, one operation at a time, and tells what came of each. See operations.py."""

import ctypes
import http.client
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import sys
import threading
import urllib.request

OPERATIONS = {}


def operation(function):
    OPERATIONS[function.__name__] = function
    return function


@operation
def tcp(host, port, text):
    with socket.create_connection((host, port), 5) as connection:
        connection.sendall(text.encode())
        connection.shutdown(socket.SHUT_WR)
        return connection.recv(1000).decode()


@operation
def tcp_connect_ex(host, port, text):
    with socket.socket() as connection:
        connection.settimeout(5)
        status = connection.connect_ex((host, port))
        if status:
            raise OSError(status, os.strerror(status))
        connection.sendall(text.encode())
    return "sent"


@operation
def tcp_native(host, port, text):
    """The C library's connect, past every Python function."""
    libc = ctypes.CDLL(None, use_errno=True)
    with socket.socket() as connection:
        address = (2).to_bytes(2, sys.byteorder) + port.to_bytes(2, "big") + socket.inet_aton(host) + bytes(8)
        if libc.connect(connection.fileno(), address, len(address)) != 0:
            raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
        connection.sendall(text.encode())
    return "sent"


@operation
def http_get(url):
    with urllib.request.urlopen(url, timeout=5) as response:
        return response.read().decode()


@operation
def http_post(host, port, text):
    connection = http.client.HTTPConnection(host, port, timeout=5)
    connection.request("POST", "/", text)
    return connection.getresponse().read().decode()


@operation
def udp(host, port, text):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        return sender.sendto(text.encode(), (host, port))


@operation
def resolve(name):
    return socket.getaddrinfo(name, 443, type=socket.SOCK_STREAM)[0][4][0]


@operation
def resolve_old(name):
    return socket.gethostbyname(name)


@operation
def write(path, text):
    with open(path, "w") as file:
        file.write(text)


@operation
def append(path, text):
    with open(path, "a") as file:
        file.write(text)


@operation
def write_low(path, text):
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)
    os.write(descriptor, text.encode())
    os.close(descriptor)


@operation
def write_pathlib(path, text):
    pathlib.Path(path).write_text(text)


@operation
def read(path):
    with open(path) as file:
        return file.read()


@operation
def remove(path):
    os.remove(path)


@operation
def rename(path, to):
    os.rename(path, to)


@operation
def make_folder(path):
    os.mkdir(path)


@operation
def link(path, to):
    os.symlink(path, to)


@operation
def mode(path):
    os.chmod(path, 0o600)


@operation
def cut(path):
    os.truncate(path, 0)


@operation
def copy(path, to):
    shutil.copyfile(path, to)


@operation
def run(*argv):
    done = subprocess.run(list(argv), capture_output=True, timeout=20)
    return [done.returncode, done.stdout.decode(), done.stderr.decode()]


@operation
def run_shell(text):
    return subprocess.run(text, shell=True, stdout=subprocess.DEVNULL, timeout=20).returncode


@operation
def system(text):
    return os.system(text)


@operation
def spawn(*argv):
    if not hasattr(os, "posix_spawn"):  # Python 3.7
        return subprocess.call(argv)
    return os.waitpid(os.posix_spawn(argv[0], argv, dict(os.environ)), 0)[1]


@operation
def fork_write(path, text):
    """A forked child writes a file and ends."""
    child = os.fork()
    if child == 0:
        try:
            write(path, text)
            os._exit(0)
        except BaseException:
            os._exit(9)
    return os.waitpid(child, 0)[1] >> 8


@operation
def fork_plain():
    child = os.fork()
    if child == 0:
        os._exit(7)
    return os.waitpid(child, 0)[1] >> 8


@operation
def in_thread(name, *arguments):
    """Another operation, on a thread of its own."""
    caught = []
    thread = threading.Thread(target=lambda: caught.append(attempt(name, arguments)))
    thread.start()
    thread.join()
    return caught[0]


@operation
def set_variables(values):
    os.environ.update(values)


@operation
def clear_variables():
    """All but those that the runtime client of Node 24 reads again for each invocation."""
    for name in [name for name in os.environ if not name.startswith("AWS_LAMBDA_")]:
        del os.environ[name]


@operation
def variables():
    return dict(os.environ)


@operation
def close_output():
    os.close(1)
    os.close(2)


@operation
def close_all():
    os.closerange(0, 3)
    for name in os.listdir("/proc/self/fd"):
        try:
            os.close(int(name))
        except OSError:
            pass


@operation
def reopen(folder, count):
    """Opens files until the low descriptor numbers are taken again."""
    for number in range(count):
        os.open(os.path.join(folder, f"taken-{number}"), os.O_RDWR | os.O_CREAT, 0o644)


@operation
def leave(status):
    sys.exit(status)


@operation
def leave_now(status):
    os._exit(status)


@operation
def kill_self():
    os.kill(os.getpid(), signal.SIGKILL)


@operation
def raise_error(text):
    raise LookupError(text)


@operation
def status():
    import trend_app_protect

    return trend_app_protect.status()


def attempt(name, arguments):
    try:
        return {"ok": OPERATIONS[name](*arguments)}
    except OSError as error:
        cause = (
            error
            if error.errno is not None or not isinstance(getattr(error, "reason", None), OSError)
            else error.reason
        )
        return {
            "error": type(cause).__name__,
            "permission": isinstance(cause, PermissionError),
            "errno": cause.errno,
            "text": str(cause),
        }


def handler(event, context):
    if event.get("uncaught"):
        return OPERATIONS[event["do"][0]](*event["do"][1:])
    results = [attempt(event["do"][0], event["do"][1:]) for _ in range(event.get("times", 1))]
    return results[0] if len(results) == 1 else results
