// What the Node peers share: the requests, and how calls are made at once and timed.

import { createHmac, timingSafeEqual } from 'node:crypto';

const SECRET = '00000000-0000-4000-8000-00000000000b';

const COMMON = {
  accept: 'application/json',
  'content-type': 'application/json',
  'user-agent': 'hand-written-a/0.1.0',
  'x-request-id': '7fffffffffffffff0000000000000001',
};

const mac = (body) => createHmac('sha256', SECRET).update(body).digest();

/** The request of one call, and what is done with the text of its reply. */
const EXCHANGES = {
  finpass: (base) => ({
    url: `${base}/api/v1/services/account-aggregator/init`,
    headers: { ...COMMON, 'x-api-key': 'made-up-key-0001', 'x-api-secret': 'made-up-secret-0001' },
    body: {
      mobile_number: '9000000001',
      pan_number: 'AAAAA0000A',
      email: 'person@example.test',
      consent_type: 'loan_underwriting',
      webhook_url: 'https://lender.example.test/hook',
      redirect_url: 'https://lender.example.test/done',
    },
  }),
  veriff: (base, number) => {
    const session = `00000000-0000-4000-8000-${String(number % 64).padStart(12, '0')}`;
    return {
      url: `${base}/v1/sessions/${session}/consents`,
      headers: { ...COMMON, 'x-auth-client': '00000000-0000-4000-8000-00000000000a' },
      body: {
        type: 'aadhaar',
        approved: true,
        text: 'I agree that my Aadhaar details are verified for this loan.',
      },
    };
  },
};

/** Adds a body's signature to the headers of its request. */
export const sign = (headers, body) => ({ ...headers, 'x-hmac-signature': mac(body).toString('hex') });

/** Decodes a reply whose signature is right. */
export const verified = (signature, body) => {
  const claimed = Buffer.from(signature ?? '', 'hex');
  const expected = mac(body);
  if (claimed.length !== expected.length || !timingSafeEqual(claimed, expected)) {
    throw new Error('the reply is not authentic');
  }
  return JSON.parse(body);
};

const all = async (call, concurrency, calls) => {
  const latencies = [];
  const worker = async (first) => {
    for (let number = first; number < calls; number += concurrency) {
      const started = process.hrtime.bigint();
      await call(number);
      latencies.push(Number(process.hrtime.bigint() - started) / 1e3);
    }
  };
  await Promise.all(Array.from({ length: concurrency }, (_, first) => worker(first)));
  return latencies;
};

/** Runs `PROGRAM EXCHANGE PORT CONCURRENCY CALLS` with what `prepare(concurrency)` gives, and prints what it took. */
export const main = async (prepare) => {
  const [exchange, port, ...numbers] = process.argv.slice(2);
  const [concurrency, calls] = numbers.map(Number);
  const request = EXCHANGES[exchange];
  const send = await prepare(concurrency, exchange);
  const call = (number) => send(request(`http://127.0.0.1:${port}`, number));
  await all(call, concurrency, Math.max(Math.floor(calls / 2), 2 * concurrency));
  const before = process.resourceUsage();
  const started = process.hrtime.bigint();
  const latencies = await all(call, concurrency, calls);
  const elapsed = Number(process.hrtime.bigint() - started) / 1e9;
  const after = process.resourceUsage();
  latencies.sort((a, b) => a - b);
  const at = (percent) => latencies[Math.floor(((latencies.length - 1) * percent) / 100)].toFixed(1);
  const seconds = (name) => ((after[name] - before[name]) / 1e6).toFixed(6);
  console.log(
    `${latencies.length} ${elapsed.toFixed(6)} ${at(50)} ${at(99)} ${seconds('userCPUTime')} ${seconds('systemCPUTime')}`,
  );
  process.exit(0);
};
