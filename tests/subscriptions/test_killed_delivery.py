"""The delivering process killed while it sends: the supervisor starts another, and nothing is missing."""

import time
from pathlib import Path

from tests.platform.served import served
from tests.processes import kill_all
from tests.soak.traffic import patient, send
from tests.subscriptions.receiver import Received, receiver
from tests.subscriptions.subscribing import numbers, on_topic


def test_delivery__by_a_killed_process_is_made_up_for(tmp_path: Path) -> None:
    with receiver() as hook, served(tmp_path, OSTEON_INGEST_WORKERS="0") as server:

        def answer(one: Received) -> int:
            if one.parameters()["type"] == "event-notification" and len(hook.taken) in {3, 6}:
                kill_all(server.processes_of("fhir_server.delivery"))
                time.sleep(0.1)
            return 200

        hook.answer = answer
        assert send(server, "POST", "Subscription", on_topic(hook.url, max_count=1))[0] == 201
        for number in range(12):
            assert send(server, "PUT", f"Patient/p{number}", patient(f"p{number}"))[0] == 201
        hook.wait(lambda: 12 in numbers(hook.received[1:]), "the last event")
        told = numbers(hook.received[1:])
    assert set(told) == set(range(1, 13))
    # What was being sent when the process died comes once more; nothing overtakes.
    assert told == sorted(told)
