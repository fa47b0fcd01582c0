"""HMAC-SHA256 by Python's own library, for `prove vectors`: a key and a message in each line, and what comes of them, in hex."""

import hmac
import sys

for line in sys.stdin:
    key, message = map(bytes.fromhex, line.rstrip("\n").split(","))
    print(hmac.digest(key, message, "sha256").hex())
