// Finpass's call on Node's built-in fetch.

import { main } from './measure.mjs';

await main(() => async ({ url, headers, body }) => {
  const response = await fetch(url, { method: 'POST', headers, body: JSON.stringify(body) });
  if (!response.ok) {
    throw new Error(`status ${response.status}`);
  }
  return response.json();
});
