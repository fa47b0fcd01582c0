// The same checks by Node's crypto: a line each with its name and ns an operation.

const { createHmac, timingSafeEqual } = require("node:crypto");

const SECRET = "00000000-0000-4000-8000-00000000000b";
const START =
  '{"id":"00000000-0000-4000-8000-00000000000c","sessionId":"00000000-0000-4000-8000-000000000001",' +
  '"status":"approved","approved":true,"text":"';
const BODY = Buffer.from(START + "made up ".repeat(128).slice(0, 1024 - START.length - 2) + '"}');
const SHORT = BODY.subarray(0, 200);
const mac = (body) => createHmac("sha256", SECRET).update(body).digest();
const HEADER = mac(BODY).toString("hex");

const verify = () => timingSafeEqual(mac(BODY), Buffer.from(HEADER, "hex"));
const both = () => timingSafeEqual(mac(SHORT), mac(SHORT));

function timed(name, operation) {
  if (!operation()) throw new Error(name);
  for (let i = 0; i < 20_000; i++) operation();
  let done = 0;
  const started = process.hrtime.bigint();
  while (process.hrtime.bigint() - started < 60_000_000n) {
    for (let i = 0; i < 64; i++) operation();
    done += 64;
  }
  console.log(`${name}\t${(Number(process.hrtime.bigint() - started) / done).toFixed(1)}`);
}

timed("verify Node crypto", verify);
timed("parse Node crypto", () => verify() && JSON.parse(BODY.toString()).approved);
timed("both Node crypto", both);
