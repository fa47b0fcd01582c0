"""One call of each operation through the generated Python client."""

import importlib
import inspect
import json
import re

import httpx

from credentials import PROVIDER, document, headers

client_module = importlib.import_module("client")


class Credentials(httpx.Auth):
    requires_request_body = True

    def auth_flow(self, request):
        request.headers.update(headers(request.method, request.url, request.content))
        yield request


def arguments(call, operation, given):
    """The request's members as the generated function takes them."""
    known = inspect.signature(call).parameters
    filled = {}
    for parameter in operation.get("parameters", []):
        member = parameter.get("x-kyc-member", parameter["name"])
        if member in given:
            name = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", parameter["name"]).lower()
            filled[name] = given.pop(member)
    if "body" in known:
        body = known["body"].annotation
        # A file is bytes.
        members = document()["components"]["schemas"].get(body.__name__, {}).get("properties", {})
        for member, schema in members.items():
            if schema.get("format") == "binary" and member in given:
                given[member] = given[member].encode()
        filled["body"] = body.from_dict(given)
    return filled


def main():
    client = client_module.Client(
        base_url=PROVIDER["base_url"], httpx_args={"auth": Credentials()}
    )
    operations = {
        operation["operationId"]: operation
        for path in document()["paths"].values()
        for operation in path.values()
    }
    with open(PROVIDER["requests"], encoding="utf-8") as file:
        requests = json.load(file)
    missing = operations.keys() - requests.keys()
    assert not missing, f"no request: {missing}"
    for name, given in requests.items():
        operation = operations[name]
        module = importlib.import_module(f"client.api.{operation['tags'][0]}.{name}")
        response = module.sync_detailed(client=client, **arguments(module.sync_detailed, operation, given))
        status, length = int(response.status_code), len(response.content)
        assert 200 <= status < 300, f"{name}: {status} {response.content!r}"
        success = next(known for known in operation["responses"] if known in ("2XX", str(status)))
        types = operation["responses"][success]["content"]
        # Without a schema it is one of the types that a file may have.
        if "schema" in types.get("application/json", {}):
            assert response.parsed is not None, f"{name}: not read"
        print(f"  {name}: {status}, {length} bytes")


main()
