"""A batch on aiohttp: `PORT INPUT OUT CONCURRENCY`, a semaphore, JSON lines; a question that fails is asked once more."""

import asyncio
import csv
import json
import sys

import aiohttp

import measure


async def ask(session, url, row):
    """The answer or its error, and how often it was asked for."""
    question = {"mobileNumber": row["mobileNumber"], "userConsentId": row["userConsentId"]}
    for attempt in (1, 2):
        try:
            async with session.post(url, json=question) as response:
                response.raise_for_status()
                return await response.json(), None, attempt
        except (aiohttp.ClientError, asyncio.TimeoutError) as failure:
            error = failure
    return None, str(error), attempt


async def main(port, source, out, concurrency):
    url = f"http://127.0.0.1:{port}/profile"
    semaphore = asyncio.Semaphore(concurrency)
    connector = aiohttp.TCPConnector(limit=concurrency)
    summary = {"rows": 0, "answered": 0, "requests": 0, "repeats": 0}
    with open(source, newline="") as rows, open(out, "x") as results:
        async with aiohttp.ClientSession(connector=connector, headers=measure.FINPRO_HEADERS) as session:

            async def one(line, row):
                try:
                    profile, error, attempts = await ask(session, url, row)
                finally:
                    semaphore.release()
                result = {"line": line, "outcome": "unknown" if profile is None else "done", "attempts": attempts}
                result |= {"error": error} if profile is None else {"profile": profile}
                # Without spaces, as the others write it.
                results.write(json.dumps(result, separators=(",", ":")) + "\n")
                summary["rows"] += 1
                summary["answered"] += profile is not None
                summary["requests"] += attempts
                summary["repeats"] += attempts - 1

            async with asyncio.TaskGroup() as group:
                for line, row in enumerate(csv.DictReader(rows), start=2):
                    # Taken before the task is made: a million that wait would all be in memory.
                    await semaphore.acquire()
                    group.create_task(one(line, row))
    print(json.dumps(summary))


asyncio.run(main(sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4])))
