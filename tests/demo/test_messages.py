"""Messages: hl7apy and our own lexer read them; they say what the Bundles say."""

import pytest
from hl7apy.parser import parse_message

from fhir_server.demo.bundles import clinical_bundle
from fhir_server.demo.centres import Centre
from fhir_server.demo.deliveries import deliveries
from fhir_server.demo.messages import V2Message
from fhir_server.demo.records import DemoPatient
from ingest.hl7v2 import Message

Sent = list[tuple[DemoPatient, V2Message]]


@pytest.fixture(scope="module")
def sent(people: list[DemoPatient], centres: dict[str, Centre]) -> Sent:
    return [
        (person, delivery)
        for person in people
        for delivery in deliveries(person, centres)
        if isinstance(delivery, V2Message)
    ]


def _read(message: V2Message) -> Message:
    return Message.parse(message.content)


def test_messages__are_read_and_written_alike_by_hl7apy(
    sent: Sent, centres: dict[str, Centre]
) -> None:
    kinds = {message.kind for _, message in sent}
    for kind in kinds:
        message = next(one for _, one in sent if one.kind == kind)
        text = message.content.decode(centres[message.centre].codec)

        assert parse_message(text, find_groups=False).to_er7() + "\r" == text


def test_messages__cover_identities_visits_and_reports(sent: Sent) -> None:
    kinds = {message.kind for _, message in sent}

    assert kinds == {"ADT^A28", "ADT^A31", "ADT^A04", "ADT^A01", "ORU^R01"}


def test_messages__have_control_ids_of_their_own(sent: Sent) -> None:
    ids = [message.control_id for _, message in sent]

    assert len(set(ids)) == len(ids)
    assert max(map(len, ids)) <= 20


def test_messages__are_in_the_character_set_that_they_declare(sent: Sent) -> None:
    read = [_read(message) for _, message in sent]

    assert not any(message.faults() for message in read)
    assert {message.charset for message in read} == {"UNICODE UTF-8", "8859/1", "8859/15"}


def test_messages__are_never_sent_as_production(sent: Sent) -> None:
    assert {_read(message).get("MSH-11") for _, message in sent} == {"T"}


def test_messages__follow_one_another_in_time(
    people: list[DemoPatient], centres: dict[str, Centre]
) -> None:
    for person in people[:100]:
        times = [d.at for d in deliveries(person, centres) if isinstance(d, V2Message)]
        assert times == sorted(times)


def test_messages__name_what_the_bundle_names(sent: Sent, centres: dict[str, Centre]) -> None:
    for person, message in sent[:300]:
        named = {
            identifier["value"]
            for entry in clinical_bundle(person, centres)["entry"]
            for identifier in entry["resource"]["identifier"]
        }
        read = _read(message)
        assert {number.component(1) for number in read.repetitions("PID", 3)} <= named
        if message.kind == "ORU^R01":
            assert read.get("OBR-3") in named
            assert read.get("SPM-2.2") in named
            assert read.get("OBX[2]-3") == "tumour-identifier"
            assert read.get("OBX[2]-5") in named


def test_messages__number_findings_as_the_bundle_does(
    sent: Sent, centres: dict[str, Centre]
) -> None:
    finals = [(p, m) for p, m in sent if m.kind == "ORU^R01" and m.control_id.endswith("-F")]
    for person, message in finals[:100]:
        bundle = clinical_bundle(person, centres)
        in_bundle = {
            entry["resource"]["identifier"][0]["value"]
            for entry in bundle["entry"]
            if entry["resource"]["resourceType"] == "Observation"
        }
        read = _read(message)
        in_message = {number.component(1) for number in read.repetitions("OBX", 21)}
        number = read.get("OBR-3") or ""
        assert {one for one in in_bundle if one.startswith(number)} <= in_message


def test_identity__is_corrected_by_a31(sent: Sent) -> None:
    partial = [
        (person, message)
        for person, message in sent
        if person.identity.birth_precision != "day" and person.identity_corrected
    ]
    births = {
        kind: {len(_read(m).get("PID-7") or "") for _, m in partial if m.kind == kind}
        for kind in ("ADT^A28", "ADT^A31")
    }

    assert births["ADT^A28"] <= {4, 6}
    assert births["ADT^A31"] == {8}


def test_death__is_announced_by_a31(sent: Sent) -> None:
    announced = [
        message
        for person, message in sent
        if person.died and message.at.date() == person.died and message.kind == "ADT^A31"
    ]

    assert announced
    assert all(_read(one).get("PID-30") == "Y" for one in announced)


def test_ins__comes_with_a_checked_identity(sent: Sent) -> None:
    for _, message in sent:
        read = _read(message)
        types = {number.component(5) for number in read.repetitions("PID", 3)}
        assert ("INS" in types) == (read.get("PID-32") == "VALI")
