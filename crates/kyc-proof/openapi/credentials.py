"""How a provider knows who calls, as its document says: headers, and Veriff's signature over what `x-kyc-signs` names."""

import hashlib
import hmac
import json
import os
import re
from urllib.parse import unquote, urlsplit

PROVIDER = json.loads(os.environ["PROVIDER"])


def document():
    with open(PROVIDER["document"], encoding="utf-8") as file:
        return json.load(file)


def headers(method, url, body):
    """The headers of a request, over the bytes that are sent."""
    given = dict(PROVIDER["headers"])
    secret = PROVIDER.get("secret")
    if secret:
        signed = _signed(method, url, body)
        given["x-hmac-signature"] = hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest()
    return given


def _signed(method, url, body):
    path = urlsplit(str(url)).path
    for template, operations in document()["paths"].items():
        covers = operations.get(method.lower(), {}).get("x-kyc-signs", "")
        if covers.startswith("path:"):
            pattern = re.sub(r"\\\{(\w+)\\\}", r"(?P<\1>[^/]*)", re.escape(template)) + "$"
            found = re.search(pattern, path)
            if found:
                return unquote(found[covers.removeprefix("path:")]).encode()
    return body.encode() if isinstance(body, str) else body or b""
