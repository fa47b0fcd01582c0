// Writes calls.ts: one call of each operation, its request as a literal, which the compiler checks against the generated types.
import { readFileSync, writeFileSync } from "node:fs";

const provider = JSON.parse(process.env.PROVIDER);
const document = JSON.parse(readFileSync(provider.document, "utf8"));
const requests = JSON.parse(readFileSync(provider.requests, "utf8"));
const lines = ['import { answered, client, form } from "./client.js";', "", "void form;"];
for (const [path, operations] of Object.entries(document.paths)) {
  for (const [method, operation] of Object.entries(operations)) {
    const { operationId: name, parameters = [], requestBody, responses } = operation;
    const given = { ...requests[name] };
    const params = {};
    for (const { name, "x-kyc-member": member = name, in: place } of parameters) {
      if (member in given) {
        params[place] = { ...params[place], [name]: given[member] };
        delete given[member];
      }
    }
    const success = Object.keys(responses).find((status) => status.startsWith("2"));
    const isJson = responses[success].content["application/json"]?.schema !== undefined;
    const options = { params, ...(requestBody && { body: given }), ...(!isJson && { parseAs: "arrayBuffer" }) };
    const isForm = "multipart/form-data" in (requestBody?.content ?? {});
    const literal = JSON.stringify(options);
    const how = isForm ? `{ ...${literal}, bodySerializer: form }` : literal;
    const call = `client.${method.toUpperCase()}(${JSON.stringify(path)}, ${how})`;
    lines.push(`await answered(${JSON.stringify(name)}, ${call});`);
  }
}
writeFileSync("calls.ts", `${lines.join("\n")}\n`);
