# SPDX-License-Identifier: Apache-2.0
"""The double of the Runtime API: what the real service would answer, it answers."""

import base64
import http.client
import json
import threading

import pytest

import runtime_api

BASE = "/2018-06-01/runtime"


@pytest.fixture()
def api():
    with runtime_api.RuntimeApi() as double:
        yield double


def call(api, method, path, body=None, headers=None):
    connection = http.client.HTTPConnection(api.address, timeout=10)
    connection.request(method, BASE + path, body, headers or {})
    response = connection.getresponse()
    result = response.status, dict(response.getheaders()), response.read()
    connection.close()
    return result


def test_next_carries_the_mandatory_headers(api):
    request_id = api.submit({"n": 1}, limit_ms=5000)
    status, headers, body = call(api, "GET", "/invocation/next")
    assert (status, json.loads(body)) == (200, {"n": 1})
    assert headers["Lambda-Runtime-Aws-Request-Id"] == request_id
    assert int(headers["Lambda-Runtime-Deadline-Ms"]) > 1_700_000_000_000
    assert headers["Lambda-Runtime-Invoked-Function-Arn"] == runtime_api.FUNCTION_ARN


def test_next_hangs_until_an_event_comes(api):
    threading.Timer(0.2, api.submit, [[1]]).start()
    assert call(api, "GET", "/invocation/next")[2] == b"[1]"


def test_response_is_accepted_once(api):
    request_id = api.submit({})
    call(api, "GET", "/invocation/next")
    assert call(api, "POST", f"/invocation/{request_id}/response", b"7")[0] == 202
    assert call(api, "POST", f"/invocation/{request_id}/response", b"8")[0] == 400
    assert api.wait(request_id, 5).json() == 7


def test_response_to_a_stranger_is_refused(api):
    assert call(api, "POST", "/invocation/someone-else/response", b"7")[0] == 400


def test_error_of_an_invocation(api):
    request_id = api.submit({})
    headers = {"Lambda-Runtime-Function-Error-Type": "Late"}
    body = json.dumps({"errorType": "Late", "errorMessage": "too late", "stackTrace": []})
    assert call(api, "POST", f"/invocation/{request_id}/error", body, headers)[0] == 202
    outcome = api.wait(request_id, 5)
    assert (outcome.kind, outcome.error_type, outcome.error["errorMessage"]) == ("error", "Late", "too late")


def test_init_error_ends_the_wait_for_readiness(api):
    threading.Timer(0.1, call, [api, "POST", "/init/error", b'{"errorType":"X"}']).start()
    assert api.wait_ready(5) is False
    assert api.init_error.error == {"errorType": "X"}


def test_streamed_response_with_trailers(api):
    request_id = api.submit({})
    connection = http.client.HTTPConnection(api.address, timeout=10)
    connection.putrequest("POST", f"{BASE}/invocation/{request_id}/response")
    connection.putheader("Transfer-Encoding", "chunked")
    connection.putheader("Lambda-Runtime-Function-Response-Mode", "streaming")
    connection.putheader("Trailer", "Lambda-Runtime-Function-Error-Type, Lambda-Runtime-Function-Error-Body")
    connection.endheaders()
    error = base64.b64encode(b'{"errorType":"Mid","errorMessage":"broke"}')
    connection.send(b"2\r\nab\r\n3;x=y\r\ncde\r\n0\r\nLambda-Runtime-Function-Error-Type: Mid\r\n")
    connection.send(b"Lambda-Runtime-Function-Error-Body: " + error + b"\r\n\r\n")
    assert connection.getresponse().status == 202
    connection.close()
    outcome = api.wait(request_id, 5)
    assert (outcome.body, outcome.streamed, outcome.error_type) == (b"abcde", True, "Mid")
    assert outcome.error["errorMessage"] == "broke"


def test_restore(api):
    assert call(api, "GET", "/restore/next")[0] == 200
    assert call(api, "POST", "/restore/error", b'{"errorType":"R"}')[0] == 202
    assert api.restore_error.error == {"errorType": "R"}


def test_anything_else_is_noted(api):
    assert call(api, "GET", "/elsewhere")[0] == 404
    assert api.unknown == [BASE + "/elsewhere"]


def test_waits_have_limits(api):
    with pytest.raises(runtime_api.Timeout):
        api.wait(api.submit({}), 0.2)
    assert api.wait(api.submit({}), 5, alive=lambda: False) is None


def test_everything_is_recorded(api):
    api.submit({})
    call(api, "GET", "/invocation/next")
    assert [(each.method, each.path) for each in api.calls] == [("GET", BASE + "/invocation/next")]
