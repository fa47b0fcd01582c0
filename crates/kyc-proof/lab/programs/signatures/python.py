"""The same checks by Python's standard library: a line each with its name and ns an operation."""

import hashlib
import hmac
import json
import time

SECRET = b"00000000-0000-4000-8000-00000000000b"
START = (
    '{"id":"00000000-0000-4000-8000-00000000000c","sessionId":"00000000-0000-4000-8000-000000000001",'
    '"status":"approved","approved":true,"text":"'
)
BODY = (START + ("made up " * 128)[: 1024 - len(START) - 2] + '"}').encode()
SHORT = BODY[:200]
HEADER = hmac.digest(SECRET, BODY, hashlib.sha256).hex()


def verify():
    return hmac.compare_digest(hmac.digest(SECRET, BODY, "sha256").hex(), HEADER)


def both():
    made = hmac.digest(SECRET, SHORT, "sha256")
    return hmac.compare_digest(made, hmac.digest(SECRET, SHORT, "sha256"))


def case(name, operation):
    assert operation()
    for _ in range(2_000):
        operation()
    done, started = 0, time.perf_counter_ns()
    while time.perf_counter_ns() - started < 60_000_000:
        for _ in range(64):
            operation()
        done += 64
    print(f"{name}\t{(time.perf_counter_ns() - started) / done:.1f}")


case("verify Python hmac", verify)
case("parse Python hmac", lambda: verify() and json.loads(BODY)["approved"])
case("both Python hmac", both)
