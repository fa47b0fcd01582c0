// The generated types' client: the sandbox's credentials are put on each request, over the bytes that are sent.
import { createHmac } from "node:crypto";
import { readFileSync } from "node:fs";
import createClient from "openapi-fetch";

import type { paths } from "./types.js";

const provider = JSON.parse(process.env.PROVIDER ?? "{}");
const document = JSON.parse(readFileSync(provider.document, "utf8"));

/** A form: a file as one, what is deeper as JSON. */
export function form(body: object): FormData {
  const data = new FormData();
  for (const [name, value] of Object.entries(body)) {
    if (name === "file") {
      data.append(name, new Blob([String(value)]), "consents.csv");
    } else {
      data.append(name, typeof value === "string" ? value : JSON.stringify(value));
    }
  }
  return data;
}

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
