"""Schemathesis sends the sandbox's credentials with each request, on the bytes as they are sent."""

import requests
import schemathesis

from credentials import headers


class Credentials(requests.auth.AuthBase):
    def __call__(self, request):
        request.headers.update(headers(request.method, request.url, request.body))
        return request


schemathesis.auth.set_from_requests(Credentials())
