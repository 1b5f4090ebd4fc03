# SPDX-License-Identifier: Apache-2.0
# ruff: noqa: E501
"""Both lines under a machine's own Python and Node: each operation works without us and shows its effect, works where it is
granted, and is refused, without effect and counted, where it is denied; below the language, too."""

import os
import tempfile

from harness import Fixture, Listener, Run, check, policy

PYTHON = {
    "open": "print(open(FILE).read())",
    "write": "open(NEW, 'w').write('x')",
    "os.open": "import os; print(os.read(os.open(FILE, os.O_RDONLY), 99).decode())",
    "listdir": "import os; print(os.listdir(FOLDER))",
    "rename": "import os; os.rename(FILE, NEW)",
    "libc": "import ctypes; f = ctypes.CDLL(None, use_errno=True).open(FILE.encode(), 0)\nif f < 0: raise OSError(ctypes.get_errno(), '')\nimport os; print(os.read(f, 99).decode())",
    "connect": "import socket; socket.create_connection(('127.0.0.1', PORT)).close()",
    "asyncio": "import asyncio; asyncio.run(asyncio.open_connection('127.0.0.1', PORT))",
    "sendto": "import socket; socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b'x', ('127.0.0.1', UDP))",
    "subprocess": "import subprocess; subprocess.check_call(['/usr/bin/touch', NEW])",
    "system": "import os\nif os.system('touch ' + NEW): raise PermissionError(1, '')",
    "fork": "import os\npid = os.fork()\nif pid == 0: open(NEW, 'w').close(); os._exit(0)\nos.waitpid(pid, 0)",
    "thread": "import concurrent.futures as c; print(c.ThreadPoolExecutor(1).submit(lambda: open(FILE).read()).result())",
}
NODE = {
    "readFileSync": "console.log(fs.readFileSync(FILE, 'utf8'))",
    "readFile": "fs.readFile(FILE, 'utf8', (e, text) => (e ? fail(e) : console.log(text)))",
    "promises": "fs.promises.readFile(FILE, 'utf8').then(console.log, fail)",
    "writeFileSync": "fs.writeFileSync(NEW, 'x')",
    "rename": "fs.renameSync(FILE, NEW)",
    "connect": "require('net').connect(PORT, '127.0.0.1').on('error', fail).on('connect', function () { this.destroy() })",
    "fetch": "require('http').get({host: '127.0.0.1', port: PORT}).on('error', (e) => e.code === 'EPERM' && fail(e))",
    "udp": "const s = require('dgram').createSocket('udp4'); s.send('x', UDP, '127.0.0.1', (e) => (e ? fail(e) : s.close()))",
    "spawnSync": "const r = require('child_process').spawnSync('/usr/bin/touch', [NEW]); if (r.error) fail(r.error)",
    "spawn": "require('child_process').spawn('/usr/bin/touch', [NEW]).on('error', fail)",
    "exec": "require('child_process').exec('touch ' + NEW, (e) => e && fail(e))",
    "worker": "new (require('worker_threads').Worker)(`console.log(require('fs').readFileSync(${JSON.stringify(FILE)}, 'utf8'))`, {eval: true}).on('error', fail)",
}
NODE_START = "const fs = require('fs'); const fail = (e) => { console.log(e.code); process.exit(1) };"
REFUSED = ("EPERM", "PermissionError", "TrendAppProtectDenied", "Operation not permitted")


class Place:
    """What a program may reach for: a protected file, a name to make, listeners."""

    def __init__(self):
        self.fixture, self.listener = Fixture(), Listener()
        self.new = self.fixture.protected + "/made"
        self.names = {
            "FILE": self.fixture.protected + "/file",
            "FOLDER": self.fixture.protected,
            "NEW": self.new,
            "PORT": self.listener.port,
            "UDP": self.listener.udp_port,
        }

    def effect(self, run):
        """What was done: a file made, bytes arrived, a secret told."""
        made = os.path.exists(self.new)
        arrived = bool(self.listener.taken())
        told = "secret" in run.out or "'inner'" in run.out or "'file'" in run.out
        self.fixture.fill()
        return made or arrived or told


def denying(fixture):
    rules = [{"path": fixture.protected + "/**", "read": "deny", "write": "deny"}]
    return policy(
        outbound={"action": "deny", "local": "deny"},
        files={"tmp": "grant", "application": "grant", "elsewhere": "grant", "rules": rules},
        child_processes="deny",
    )


def granting():
    rules = [{"path": "/nowhere/**", "read": "deny", "write": "deny"}]
    return policy(files={"tmp": "grant", "application": "grant", "elsewhere": "grant", "rules": rules})


def run_all(title, programs, command, start, environment):
    place = Place()
    for name, text in programs.items():
        for word, value in place.names.items():
            start_of_name = f"{word} = {value!r}\n" if title.startswith("python") else f"const {word} = {value!r};\n"
            text = start_of_name + text if word in text else text
        line = f"{title}: {name}"

        def one(under, first=start, text=text):
            return Run(*command[1:], first + "\n" + text, program=command[0], under=under, env=environment, timeout=60)

        plain = one(None, start.replace(FIRST[title.split()[0]], ""))
        if not check(line + " (plain)", plain.status == 0 and place.effect(plain), plain):
            continue
        granted = one(granting())
        check(line + " (grant)", granted.status == 0 and place.effect(granted) and granted.count() == 0, granted)
        denied = one(denying(place.fixture))
        check(
            line + " (deny)",
            denied.status != 0
            and any(word in denied.out + denied.err for word in REFUSED)
            and not place.effect(denied)
            and denied.count("deny") == 1,
            denied,
        )
    place.fixture.remove()


# What puts the process under the policy: the first thing in the program.
FIRST = {"python": "import trend_app_protect.start", "node": "require('trend_app_protect');"}


def test(machine):
    stage = machine.build / "stage"
    home = tempfile.gettempdir()
    for python in machine.pythons:
        run_all(
            f"python {python[-4:]}",
            PYTHON,
            [python, "-B", "-c"],
            FIRST["python"],
            {"PYTHONPATH": f"{stage}/python", "HOME": home},
        )
    for node in machine.nodes:
        run_all(
            "node",
            NODE,
            [str(node), "-e"],
            FIRST["node"] + NODE_START,
            {"NODE_PATH": f"{stage}/nodejs/node_modules", "HOME": home},
        )
