// Finpass's call on axios, which throws unless the status is 2xx.

import { Agent } from 'node:http';

import axios from 'axios';

import { main } from './measure.mjs';

await main((concurrency) => {
  const client = axios.create({
    httpAgent: new Agent({ keepAlive: true, maxSockets: concurrency, maxFreeSockets: concurrency }),
    proxy: false,
  });
  return async ({ url, headers, body }) => (await client.post(url, body, { headers })).data;
});
