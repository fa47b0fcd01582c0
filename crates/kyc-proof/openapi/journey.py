"""A whole journey through the generated Python client of what `kyc journey serve` serves."""

import importlib
import json
import os

SERVER = json.loads(os.environ["PROVIDER"])
generated = importlib.import_module("client")
api = importlib.import_module("client.api.journeys")
models = importlib.import_module("client.models")


def call(name, status, /, **arguments):
    module = importlib.import_module(f"client.api.journeys.{name}")
    response = module.sync_detailed(client=client, **arguments)
    assert response.status_code == status, f"{name}: {response.status_code} {response.content!r}"
    assert response.parsed is not None, f"{name}: not read"
    print(f"  {name}: {status}")
    return response.parsed


client = generated.AuthenticatedClient(base_url=SERVER["base_url"], token=SERVER["token"], timeout=60)
start = models.StartJourney.from_dict(SERVER["start"])
begun = call("start_journey", 201, body=start, idempotency_key="python")
again = call("start_journey", 200, body=start, idempotency_key="python")
assert again.id == begun.id
other = models.StartJourney.from_dict({**SERVER["start"], "notice_text": "Another."})
problem = call("start_journey", 409, body=other, idempotency_key="python")
assert problem.field == "idempotency-key", problem

# No generator makes streams: the client's own connection reads them. The first is cut off, and resumed.
seen, has_ended = [], False
for most in (3, None):
    headers = {"last-event-id": str(seen[-1])} if seen else {}
    path = f"/v1/journeys/{begun.id}/events"
    with client.get_httpx_client().stream("GET", path, headers=headers) as stream:
        for line in stream.iter_lines():
            has_ended = has_ended or line == "event: end"
            if line.startswith("id: ") and not has_ended:
                seen.append(int(line.removeprefix("id: ")))
            if len(seen) == most:
                break
assert has_ended and seen == list(range(1, len(seen) + 1)), seen

journey = call("get_journey", 200, id=begun.id)
assert journey.status == models.JourneyViewStatus.COMPLETED and journey.has_ended, journey
history = call("get_history", 200, id=begun.id)
assert [event.seq for event in history.events] == list(range(1, journey.seq + 1))
export = call("export_journey", 200, id=begun.id)
assert any(payload.class_ == "person" for payload in export.payloads), export
page = call("list_journeys", 200, status=[models.ListJourneysStatusItem("completed")], limit=1)
assert page.journeys[0].id == begun.id
call("cancel_journey", 409, id=begun.id)
call("withdraw_consent", 200, id=begun.id)
