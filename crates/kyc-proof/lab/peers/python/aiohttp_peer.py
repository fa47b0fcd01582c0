"""The calls on aiohttp."""

from contextlib import asynccontextmanager

import aiohttp

import measure


@asynccontextmanager
async def client(base, exchange, concurrency):
    connector = aiohttp.TCPConnector(limit=concurrency)
    async with aiohttp.ClientSession(connector=connector) as session:

        async def finpass(_number):
            path, headers, body = measure.initialize()
            async with session.post(base + path, headers=headers, json=body) as response:
                response.raise_for_status()
                return await response.json()

        async def veriff(number):
            path, headers, body = measure.record_consent(number)
            async with session.post(base + path, headers=headers, data=body) as response:
                response.raise_for_status()
                return measure.verified(response.headers["x-hmac-signature"], await response.read())

        yield finpass if exchange == "finpass" else veriff


measure.main(client)
