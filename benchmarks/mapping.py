"""Mapping a 60-OBX pathology report to its transaction Bundle: to reach, 5 ms on a free core.

Run by itself: `python -m benchmarks.mapping`. The floor is a walk over every leaf of the same message;
the time of an empty function call is printed too, to compare machines and their load.
"""

from collections.abc import Callable
from time import process_time

from fhir_server.collector import spare_what_stays
from ingest.hl7v2 import Message
from ingest.mapping import default_library, map_message

HEADER = r"MSH|^~\&|SGL-P01|CENTRE-P01|OSTEON|RESEAU|20240318143000||ORU^R01^ORU_R01|1|P|2.5"
HEAD = (
    f"{HEADER}|||||FRA|UNICODE UTF-8",
    "PID|1||100001^^^IPP-C01^PI||DUBOIS-FICTIF^Camille^^^^^L||19900412|F",
    "ORC|RE|DEM-77^DPI-C01|24P00001^ACP-P01",
    f"OBR|1||24P00001^ACP-P01|60568-3^Report^LN|||20240312{'|' * 15}20240318142500|||F",
    "OBX|1|TX|22637-3^Conclusion^LN||Osteosarcome conventionnel||||||F",
    "OBX|2|CWE|31206-6^Histologie^LN||9180/3^Osteosarcome^ICDO3^BHQ7Q7A0^Osteosarcome^ADICAP^3.2||||||F",
    "OBX|3|CWE|topography^Siege^99OSTEON||C40.2^Os longs du membre inferieur^ICDO3||||||F",
)
SPECIMEN = f"SPM|1|^24P00001-A&PREL-P01||BON^Os^HL70487|||BIO^Biopsie^HL70488{'|' * 10}20240312"
ROUNDS = 200


def report(observations: int) -> bytes:
    """A synoptic report with that many OBX."""
    answers = (
        f"OBX|{n}|CWE|{2000 + n}.1^Question {n}^CAPECC|1|{3000 + n}.1^Reponse {n}^CAPECC||||||F|||20240312"
        for n in range(4, observations + 1)
    )
    return "\r".join((*HEAD, *answers, SPECIMEN)).encode()


def best_ms(run: Callable[[], object]) -> float:
    """The best of some rounds, in milliseconds of this process."""
    best = float("inf")
    for _ in range(ROUNDS):
        start = process_time()
        run()
        best = min(best, process_time() - start)
    return best * 1000


def nothing() -> None:
    """What a call costs."""


def thousand_calls() -> None:
    for _ in range(1000):
        nothing()


def main() -> None:
    raw = report(60)
    default_library()
    assert not map_message(Message.parse(raw)).held
    # As a worker does once it has started.
    spare_what_stays()

    def walk() -> None:
        for segment in Message.parse(raw).segments:
            for _ in segment.leaves():
                pass

    mapped = best_ms(lambda: map_message(Message.parse(raw)))
    floor = best_ms(walk)
    print(f"map a 60-OBX ORU to its Bundle   {mapped:7.2f} ms")
    print(f"walk over its leaves (floor)     {floor:7.2f} ms   ratio {mapped / floor:.1f}")
    print(f"a thousand empty calls           {best_ms(thousand_calls):7.3f} ms")


if __name__ == "__main__":
    main()
