// The generated types' client: the sandbox's credentials are put on each request, over the bytes that are sent.
import { createHmac } from "node:crypto";
import { readFileSync } from "node:fs";
import createClient from "openapi-fetch";

import type { paths } from "./types.js";

const provider = JSON.parse(process.env.PROVIDER ?? "{}");
const document = JSON.parse(readFileSync(provider.document, "utf8"));

export const client = createClient<paths>({ baseUrl: provider.base_url });

client.use({
  async onRequest({ request, schemaPath, params }) {
    for (const [name, value] of Object.entries<string>(provider.headers)) {
      request.headers.set(name, value);
    }
    if (provider.secret) {
      const covers: string = document.paths[schemaPath][request.method.toLowerCase()]["x-kyc-signs"];
      const signed = covers.startsWith("path:")
        ? String(params.path?.[covers.slice("path:".length)])
        : await request.clone().text();
      const signature = createHmac("sha256", provider.secret).update(signed).digest("hex");
      request.headers.set("x-hmac-signature", signature);
    }
    return request;
  },
});

export async function answered(name: string, call: Promise<{ data?: unknown; response: Response }>) {
  const { data, response } = await call;
  if (!response.ok || data === undefined) {
    throw new Error(`${name}: ${response.status}`);
  }
  console.log(`  ${name}: ${response.status}`);
}
