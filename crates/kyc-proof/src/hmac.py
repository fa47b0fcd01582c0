"""HMAC-SHA256 by Python's own library, for `prove vectors`.

Reads batches from stdin: the length of the batch in 4 bytes, then for each case the lengths of key and message in 2
bytes each, key, message; all numbers big-endian. Answers each batch on stdout with 32 bytes for each case.
"""

import hmac
import sys

read, write = sys.stdin.buffer.read, sys.stdout.buffer.write
while length := read(4):
    batch = read(int.from_bytes(length, "big"))
    digests = []
    at = 0
    while at < len(batch):
        key_length = int.from_bytes(batch[at : at + 2], "big")
        message_length = int.from_bytes(batch[at + 2 : at + 4], "big")
        message_at = at + 4 + key_length
        key, at = batch[at + 4 : message_at], message_at + message_length
        digests.append(hmac.digest(key, batch[message_at:at], "sha256"))
    write(b"".join(digests))
    sys.stdout.buffer.flush()
