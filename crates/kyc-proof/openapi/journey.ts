// A whole journey through the generated types of what `kyc journey serve` serves.
import createClient from "openapi-fetch";

import type { components, paths } from "./types.js";

const server: { base_url: string; token: string; start: components["schemas"]["StartJourney"] } = JSON.parse(
  process.env.PROVIDER ?? "{}",
);
const headers = { authorization: `Bearer ${server.token}` };
const client = createClient<paths>({ baseUrl: server.base_url, headers });

function answered<T>(name: string, status: number, { data, response }: { data?: T; response: Response }): T {
  if (response.status !== status || data === undefined) {
    throw new Error(`${name}: ${response.status}`);
  }
  console.log(`  ${name}: ${status}`);
  return data;
}

const key = { header: { "Idempotency-Key": "typescript" } };
const begun = answered("start_journey", 201, await client.POST("/v1/journeys", { params: key, body: server.start }));
const again = answered("start_journey", 200, await client.POST("/v1/journeys", { params: key, body: server.start }));
const body = { ...server.start, notice_text: "Another." };
const { error } = await client.POST("/v1/journeys", { params: key, body });
if (again.id !== begun.id || error?.field !== "idempotency-key") {
  throw new Error(`another journey: ${JSON.stringify({ again, error })}`);
}

const path = { id: begun.id };
const events = await client.GET("/v1/journeys/{id}/events", { params: { path }, parseAs: "stream" });
const text = await new Response(events.data).text();
if (!text.includes("event: end")) {
  throw new Error(`no end: ${text}`);
}
const journey = answered("get_journey", 200, await client.GET("/v1/journeys/{id}", { params: { path } }));
if (journey.status !== "completed") {
  throw new Error(JSON.stringify(journey));
}
const history = answered("get_history", 200, await client.GET("/v1/journeys/{id}/history", { params: { path } }));
if (history.events.at(-1)?.seq !== journey.seq) {
  throw new Error(JSON.stringify(history));
}
const query = { status: ["completed" as const], limit: 1 };
answered("list_journeys", 200, await client.GET("/v1/journeys", { params: { query } }));
answered("withdraw_consent", 200, await client.POST("/v1/journeys/{id}/withdraw", { params: { path } }));
