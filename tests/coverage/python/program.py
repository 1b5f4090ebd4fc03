# SPDX-License-Identifier: Apache-2.0
"""Runs channels one after the other and says how each ended.

program.py list | program.py attach|bare TASK RESULTS MARKS

RESULTS and MARKS are descriptors: one takes a line of JSON for each start and end, the other marks in the event log
whose turn it is.
"""

import sys

if sys.argv[1] == "attach":
    import trend_app_protect.start  # noqa: F401

import importlib  # noqa: E402
import json  # noqa: E402
import os  # noqa: E402
import threading  # noqa: E402
import time  # noqa: E402
import types  # noqa: E402
import warnings  # noqa: E402

TOPICS = ("files_read", "files_look", "files_write", "network", "look_ups", "processes", "native", "bypasses")

warnings.simplefilter("ignore")


def topics():
    return {name: importlib.import_module(f"topics.{name}").t for name in TOPICS}


def main():
    if sys.argv[1] == "list":
        print(json.dumps([each for topic in topics().values() for each in topic.listed()]))
        return
    with open(sys.argv[2]) as given:
        task = json.load(given)
    results, marks = int(sys.argv[3]), int(sys.argv[4])
    for descriptor in (results, marks):
        os.set_inheritable(descriptor, False)
    channels = importlib.import_module(f"topics.{task['topic']}").t.channels
    here = os.getcwd()
    main_process = os.getpid()
    for name, known in task["channels"].items():
        os.write(results, json.dumps({"start": name}).encode() + b"\n")
        os.write(marks, json.dumps({"mark": name}).encode() + b"\n")
        os.write(2, f"\x01{name}\x02".encode())
        end = {"end": name}
        try:
            end["value"] = str(channels[name][0](types.SimpleNamespace(**known)))[:20000]
        except BaseException as error:  # noqa: BLE001
            end["error"] = f"{type(error).__name__}: {error}"[:500]
        if os.getpid() != main_process:
            os._exit(0)  # a child that came back from a channel has no turn here
        try:
            os.chdir(here)
        except OSError:
            pass
        # A refusal that follows another one at once, for the same target, is taken for a library's retry.
        time.sleep(0.003)
        os.write(results, json.dumps(end).encode() + b"\n")
    os.write(marks, b'{"mark": ""}\n')
    # An ordinary end tells what was folded. Threads that a refusal left half-way must not keep the program from it.
    threads = [each for each in threading.enumerate() if each is not threading.main_thread() and not each.daemon]
    if threads:
        os._exit(0)


if __name__ == "__main__":
    main()
