"""What the Python peers share: the requests, and how calls are made at once and timed."""

import asyncio
import hashlib
import hmac
import json
import resource
import sys
import time

SECRET = b"00000000-0000-4000-8000-00000000000b"

COMMON = {
    "accept": "application/json",
    "content-type": "application/json",
    "user-agent": "hand-written-a/0.1.0",
    "x-request-id": "7fffffffffffffff0000000000000001",
}
FINPASS_HEADERS = COMMON | {"x-api-key": "made-up-key-0001", "x-api-secret": "made-up-secret-0001"}
FINPRO_HEADERS = COMMON | {
    "client_id": "made-up-client-0001",
    "client_secret": "made-up-secret-0001",
    "organisationid": "made-up-organisation-0001",
    "appidentifier": "made-up-app-0001",
}
VERIFF_HEADERS = COMMON | {"x-auth-client": "00000000-0000-4000-8000-00000000000a"}


def initialize():
    """Path, headers and body of Finpass's call."""
    body = {
        "mobile_number": "9000000001",
        "pan_number": "AAAAA0000A",
        "email": "person@example.test",
        "consent_type": "loan_underwriting",
        "webhook_url": "https://lender.example.test/hook",
        "redirect_url": "https://lender.example.test/done",
    }
    return "/api/v1/services/account-aggregator/init", FINPASS_HEADERS, body


def record_consent(number):
    """Path, signed headers and the bytes of the body of Veriff's call."""
    body = json.dumps(
        {
            "type": "aadhaar",
            "approved": True,
            "text": "I agree that my Aadhaar details are verified for this loan.",
        }
    ).encode()
    session = f"00000000-0000-4000-8000-{number % 64:012d}"
    headers = VERIFF_HEADERS | {"x-hmac-signature": mac(body)}
    return f"/v1/sessions/{session}/consents", headers, body


def verified(signature, body):
    """Decodes a reply whose signature is right."""
    if not hmac.compare_digest(signature, mac(body)):
        raise ValueError("the reply is not authentic")
    return json.loads(body)


def mac(body):
    return hmac.new(SECRET, body, hashlib.sha256).hexdigest()


async def all_calls(call, concurrency, calls):
    latencies = []

    async def worker(first):
        for number in range(first, calls, concurrency):
            started = time.perf_counter()
            await call(number)
            latencies.append(time.perf_counter() - started)

    await asyncio.gather(*(worker(first) for first in range(concurrency)))
    return latencies


def main(client):
    """Runs `PROGRAM EXCHANGE PORT CONCURRENCY CALLS`; `client(base, exchange, concurrency)` gives a context that makes calls."""
    exchange, port, concurrency, calls = sys.argv[1], *map(int, sys.argv[2:5])
    asyncio.run(measure(client, exchange, port, concurrency, calls))


async def measure(client, exchange, port, concurrency, calls):
    async with client(f"http://127.0.0.1:{port}", exchange, concurrency) as call:
        await all_calls(call, concurrency, max(calls // 2, 2 * concurrency))
        before = resource.getrusage(resource.RUSAGE_SELF)
        started = time.perf_counter()
        latencies = await all_calls(call, concurrency, calls)
        elapsed = time.perf_counter() - started
        after = resource.getrusage(resource.RUSAGE_SELF)
    latencies.sort()
    p50, p99 = (latencies[(len(latencies) - 1) * percent // 100] * 1e6 for percent in (50, 99))
    user, system = after.ru_utime - before.ru_utime, after.ru_stime - before.ru_stime
    print(f"{len(latencies)} {elapsed:.6f} {p50:.1f} {p99:.1f} {user:.6f} {system:.6f}")
