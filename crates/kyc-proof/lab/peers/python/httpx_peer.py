"""Finpass's call on httpx's asynchronous client."""

from contextlib import asynccontextmanager

import httpx

import measure


@asynccontextmanager
async def client(base, _exchange, concurrency):
    limits = httpx.Limits(max_connections=concurrency, max_keepalive_connections=concurrency)
    # Waiting for one of the connections is no failure here.
    timeout = httpx.Timeout(5.0, pool=None)
    async with httpx.AsyncClient(limits=limits, timeout=timeout, trust_env=False) as session:

        async def finpass(_number):
            path, headers, body = measure.initialize()
            response = await session.post(base + path, headers=headers, json=body)
            response.raise_for_status()
            return response.json()

        yield finpass


measure.main(client)
