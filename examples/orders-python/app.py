# SPDX-License-Identifier: Apache-2.0
"""Order intake: prices an order, asks the stock service, keeps a receipt.

The last four steps are the mistakes that real functions have: a file, an address and a command that come from the
order. The code handles their errors like any other; that they fail is the work of app_protect.json.
"""

import http.client
import json
import os
import pathlib
import subprocess
import urllib.parse

PRICES = pathlib.Path(__file__).with_name("prices.json")
RECEIPTS = pathlib.Path("/tmp/orders-python")
STOCK_SERVICE = os.environ.get("STOCK_SERVICE", "127.0.0.1:18080")


def price(order):
    prices = json.loads(PRICES.read_text())
    return sum(prices[item] for item in order["items"])


def stock(order):
    connection = http.client.HTTPConnection(STOCK_SERVICE, timeout=5)
    connection.request("GET", f"/stock/{order['id']}")
    return connection.getresponse().read().decode()


def receipt(order):
    RECEIPTS.mkdir(exist_ok=True)
    return (RECEIPTS / f"{order['id']}.json").write_text(json.dumps(order))


def note(order):
    """Path traversal: the order says which file its note is in."""
    return pathlib.Path("/tmp/notes", order["note"]).read_text(errors="replace")


def callback(order):
    """Server-side request forgery: the order says whom to tell."""
    url = urllib.parse.urlsplit(order["callback"])
    connection = http.client.HTTPConnection(url.hostname, url.port, timeout=5)
    connection.request("POST", url.path, json.dumps(dict(order, region=os.environ["AWS_REGION"])))
    return connection.getresponse().status


def mirror(order):
    """The same, to a bare address."""
    return callback(dict(order, callback=order["mirror"]))


def label(order):
    """Command injection: the order says what is printed."""
    command = f"echo {order['label']}"
    return subprocess.run(command, shell=True, check=True, stdout=subprocess.PIPE).stdout.decode()


def handler(event, context):
    summary = {}
    for step in (price, stock, receipt, note, callback, mirror, label):
        try:
            summary[step.__name__] = step(event)
        except OSError as error:
            summary[step.__name__] = {"failed": type(error).__name__, "because": str(error)}
    return {"order": event["id"], "steps": summary}
