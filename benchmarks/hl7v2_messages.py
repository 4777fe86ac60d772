"""Invented HL7 v2 messages of usual sizes."""

import base64
import itertools
import random
from collections.abc import Iterator

from fhir_server.demo.adt import adt_messages
from fhir_server.demo.centres import load_centres
from fhir_server.demo.network import patient
from fhir_server.demo.oru import pathology_messages


def adt_a01(control_id: str = "1") -> bytes:
    """A French admission: 12 segments, 1.5 kB."""
    return "\r".join(
        [
            (
                f"MSH|^~\\&|GAM|CHU-DEMO|OSTEON|RESEAU|20260105101112||ADT^A01^ADT_A01|{control_id}|P|"
                "2.5^FRA^2.11||||||UNICODE UTF-8|FRA||2.11^IHE_FRANCE-2.11-PAM"
            ),
            (
                "EVN||20260105101112|||OPE^ESSAI^Paul^^^^^^ASIP-SANTE-PS&1.2.250.1.71.4.2.1&ISO^L^^^RPPS|"
                "20260105101000"
            ),
            (
                "PID|1||8001234^^^CHU-DEMO&1.2.250.1.99.1&ISO^PI~199012345678901^^^ASIP-SANTE-INS-NIR&"
                "1.2.250.1.213.1.4.10&ISO^INS||ESSAI^CLAIRE^CLAIRE MARIE^^^^L~EXEMPLE^CLAIRE^^^^^D||"
                "19900102|F|||12 rue de l’Exemple^^VILLE^^75000^FRA^H~^^^^^^BDL^^63220||0100000000^PRN^PH||"
                "|||991234^^^CHU-DEMO&1.2.250.1.99.1&ISO^AN|||||||||||||VALI"
            ),
            "PD1|||||||||||N",
            "ROL||AD|ODRP|DEMO^MEDECIN^Jeanne^^^^^^ASIP-SANTE-PS&1.2.250.1.71.4.2.1&ISO^L^^^RPPS",
            "NK1|1|ESSAI^MARC|SPO^Conjoint|12 rue de l’Exemple^^VILLE^^75000|0100000001",
            (
                "PV1|1|I|2100^12^1^CHU-DEMO|R|||10000000001^DEMO^MEDECIN^^^^^^ASIP-SANTE-PS&"
                "1.2.250.1.71.4.2.1&ISO^L^^^RPPS|||||||||||||991234^^^CHU-DEMO&1.2.250.1.99.1&ISO^VN|||||||||"
                "||||||||||||||||20260105101000"
            ),
            "PV2|||^Tumeur osseuse",
            "ZBE|M-20260105-1^GAM^1.2.250.1.99.1^ISO|20260105101000||INSERT|N||^^^^^CHU-DEMO^UF^^^2100||HMS",
            "ZFA|ACTIF|20200101|||||||INO|20200101|IC|20200101",
            "ZFM|8||1",
            "ZFD|||N|N|INSI|20260104|CN|20300101",
        ]
    ).encode()


def oru_r01(control_id: str = "1", observations: int = 60) -> bytes:
    """A pathology report with many observations: 66 segments, 11 kB."""
    head = adt_a01(control_id).decode().replace("ADT^A01^ADT_A01", "ORU^R01^ORU_R01").split("\r")
    rows = [
        f"OBX|{n}|CWE|{n}-5^Observation {n} du compte rendu^LN|{n}|"
        f"Q7A0^Ostéosarcome SAI\\.br\\texte {n}^ADICAP^{n}^local^L||||||F|||20260105|"
        "LABO-DEMO^Labo|10000000001^DEMO^PATHO|||||||ACP"
        for n in range(1, observations + 1)
    ]
    return "\r".join(
        [
            head[0],
            head[2],
            head[6],
            "ORC|RE|P1|F1",
            (
                "OBR|1|P1|F1^LABO-DEMO|60568-3^CR d’anatomie pathologique^LN|||20260105|||||||||"
                "10000000001^DEMO^PATHO||||||20260105||ACP|F"
            ),
            *rows,
            (
                "SPM|1|S1&LABO-DEMO^S2&LABO-DEMO||TISS^Tissu^HL70487|||||71341001^Fémur^SCT|||||||"
                "|20260105|20260105"
            ),
        ]
    ).encode()


def oru_with_pdf(control_id: str, size: int) -> bytes:
    """A report with an embedded document of `size` random bytes."""
    document = base64.b64encode(random.Random(1).randbytes(size))
    lines = oru_r01(control_id, 1).split(b"\r")
    lines.insert(-1, b"OBX|2|ED|60568-3^CR^LN||^AP^PDF^Base64^" + document + b"||||||F")
    return b"\r".join(lines)


def network_messages(streams: int) -> list[Iterator[bytes]]:
    """The messages of the synthetic network without end, the patients shared out among streams."""
    return [_network(first, streams) for first in range(1, streams + 1)]


def _network(first: int, step: int) -> Iterator[bytes]:
    centres = load_centres()
    for index in itertools.count(first, step):
        person = patient(1, index, centres)
        messages = (
            *adt_messages(person, centres[person.centre]),
            *pathology_messages(person, centres),
        )
        yield from (one.content for one in sorted(messages, key=lambda one: one.at))


def oru_of_network(control_id: str, size: int) -> bytes:
    """A report that a centre of the register sends, with an embedded document of random bytes."""
    centres = load_centres()
    person = patient(2, 1, centres)
    report = next(iter(pathology_messages(person, centres)))
    document = base64.b64encode(random.Random(2).randbytes(size))
    segments = report.content.rstrip(b"\r").split(b"\r")
    at = next(n for n, segment in enumerate(segments) if segment.startswith(b"OBX"))
    segments.insert(at, b"OBX|99|ED|60568-3^CR^LN||^AP^PDF^Base64^" + document + b"||||||F")
    return b"\r".join(segments).replace(report.control_id.encode(), control_id.encode())
