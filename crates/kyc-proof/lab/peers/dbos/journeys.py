"""`journeys.py HOST AT_ONCE SECONDS`: workflows of five durable steps on DBOS, in a PostgreSQL behind the socket in the directory HOST.

So many run at once, each on a thread of its own as synchronous workflows do, and another one begins as soon as one ends. Prints
`JOURNEYS ELAPSED_S P50_MS P99_MS`.
"""

import os
import sys
import threading
import time

from dbos import DBOS, DBOSConfig, SetWorkflowID


@DBOS.step()
def step(number: int) -> int:
    return number


@DBOS.workflow()
def five_steps(number: int) -> int:
    number = step(number)
    number = step(number)
    number = step(number)
    number = step(number)
    return step(number)


def main(host, at_once, seconds):
    config: DBOSConfig = {
        "name": "journeys",
        # A run's own, so that no workflow is there from the run before.
        "system_database_url": f"postgresql://postgres@/dbos_{os.getpid()}?host={host}",
        # A connection for each thread, and its default at least.
        "sys_db_pool_size": max(at_once, 20),
        "run_admin_server": False,
        "log_level": "ERROR",
    }
    DBOS(config=config)
    DBOS.launch()
    took, began = [], time.monotonic()

    def run(first):
        number = first
        while time.monotonic() - began < seconds:
            start = time.monotonic()
            with SetWorkflowID(f"journey-{number}"):
                five_steps(number)
            took.append(time.monotonic() - start)
            number += at_once

    threads = [threading.Thread(target=run, args=(first,)) for first in range(at_once)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    elapsed = time.monotonic() - began
    took.sort()
    at = lambda percent: took[min(len(took) * percent // 100, len(took) - 1)] * 1e3
    print(f"{len(took)} {elapsed:.3f} {at(50):.2f} {at(99):.2f}", flush=True)
    # Nothing is tidied up: the database goes with its server.
    os._exit(0)


main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
