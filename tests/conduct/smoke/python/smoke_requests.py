# SPDX-License-Identifier: Apache-2.0
import loopback
import requests

with loopback.server() as url, requests.Session() as session:
    print(session.put(url + "/x", data=b"abc").status_code, session.get(url + "/x").content)
    print(session.post(url, json={"a": 1}).text, session.get(url + "/none").status_code)
try:
    requests.get("http://127.0.0.1:1/", timeout=5)
except requests.ConnectionError as error:
    print(type(error).__name__, "refused" in str(error))
