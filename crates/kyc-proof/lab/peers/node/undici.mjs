// The calls on undici.request.

import { Agent, request } from 'undici';

import { main, sign, verified } from './measure.mjs';

await main((concurrency, exchange) => {
  const dispatcher = new Agent({ connections: concurrency, pipelining: 1 });
  return async ({ url, headers, body }) => {
    const text = JSON.stringify(body);
    const signed = exchange === 'veriff';
    const response = await request(url, {
      method: 'POST',
      dispatcher,
      headers: signed ? sign(headers, text) : headers,
      body: text,
    });
    if (response.statusCode !== 200) {
      throw new Error(`status ${response.statusCode}`);
    }
    return signed
      ? verified(response.headers['x-hmac-signature'], await response.body.text())
      : response.body.json();
  };
});
