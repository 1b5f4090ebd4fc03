# SPDX-License-Identifier: Apache-2.0
"""How a channel is written down.

    t = Topic("files_read", "Reading a file", kind="read")
    t.group("language")
    t("open", lambda p: open(p.secret).read())

    @t("mmap", files=["x.json"], alone=True)
    def _(p): ...

`p` has what the runner gave (places.py): dir, secret, out, marker, port, ... What a channel returns goes back to it.

    kind      what its effect is, where it is not the topic's
    files     more files of its folder that hold the secret, by form (places.py)
    alone     in a program of its own, with its `options` and `environment`: it would disturb another, or be disturbed
    source    where the way is published
    open      why it is not covered, with the reference: not a failure
    finding   what is wrong with it besides, while that is so
    several   a library does several operations, each counted once; "polls": as many as there is time for
    stirred   the runner changes files of its folder meanwhile
    silent    refused without an event, and why that is meant
    never_granted   refused as soon as anything is denied, and where that is said
"""

import importlib
import os


class Topic:
    def __init__(self, topic, title, kind):
        self.topic, self.title, self.kind, self.channels, self._group = topic, title, kind, {}, ""

    def group(self, title):
        self._group = title

    def __call__(self, name, function=None, **about):
        def keep(made):
            assert name not in self.channels, f"{name} is there already"
            self.channels[name] = (made, {"group": self._group, "kind": self.kind, **about})
            return made

        return keep(function) if function else keep

    def listed(self):
        return [
            {"topic": self.topic, "title": self.title, "name": name, **about}
            for name, (_, about) in self.channels.items()
        ]


def m(name):
    """A module, imported when the channel runs: not every Python has it."""
    return importlib.import_module(name)


def libc():
    return m("ctypes").CDLL(None, use_errno=True)


def checked(result):
    """What a C function returned, or the error it left."""
    if result is None or result < 0:
        error = m("ctypes").get_errno()
        raise OSError(error, os.strerror(error))
    return result


def text_of(descriptor):
    """What a descriptor gives."""
    return os.read(descriptor, 4096).decode("latin-1")


def child_says(words, **options):
    """What a child prints; a refusal in the child is an empty answer."""
    return m("subprocess").run(words, stdout=-1, stderr=-1, **options).stdout.decode("latin-1")


def in_thread(work):
    with m("concurrent.futures").ThreadPoolExecutor(1) as pool:
        return pool.submit(work).result()


def forked(work):
    child = os.fork()
    if child == 0:
        try:
            work()
        finally:
            os._exit(0)
    os.waitpid(child, 0)


def forked_says(work):
    """What `work` answers in a forked child; a refusal there is an empty answer."""
    ours, theirs = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.write(theirs, work().encode())
        except OSError:
            pass
        os._exit(0)
    os.close(theirs)
    os.waitpid(child, 0)
    return text_of(ours)
