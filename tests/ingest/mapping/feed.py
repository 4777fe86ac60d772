"""Invented messages put together in a test: a header, a patient, and what the case is about."""

from ingest.hl7v2 import Message


def message(
    event: str, *segments: str, sender: str = "C01", time: str = "20240310101500"
) -> Message:
    """A message of a centre of the register; its control id is made of event and time."""
    application = {"C": "DPI", "P": "SGL"}[sender[0]]
    header = (
        f"MSH|^~\\&|{application}-{sender}|CENTRE-{sender}|OSTEON|RESEAU|{time}||{event}|{event[4:7]}-{time}"
        "|P|2.5^FRA^2.11|||||FRA|UNICODE UTF-8"
    )
    return Message.parse("\r".join([header, *segments]).encode())


def patient(number: str = "100001", **fields: str) -> str:
    """PID of a patient number of C01; `city`, `sex`, `birth` where the case needs them."""
    city = f"^^{fields['city']}^^99999^FRA^H" if "city" in fields else ""
    birth, sex = fields.get("birth", "19900412"), fields.get("sex", "F")
    return f"PID|1||{number}^^^IPP-C01^PI||DUBOIS-FICTIF^Camille^^^^^L||{birth}|{sex}|||{city}"


def movement(
    number: str, start: str, action: str = "INSERT", original: str = "", historic: str = "N"
) -> str:
    """ZBE of PAM.fr."""
    unit = "ORTHO^^^^^CENTRE-C01^UF^^^4021"
    return f"ZBE|{number}^DPI-C01|{start}||{action}|{historic}|{original}|{unit}|||HMS"


def stay(place: str = "CHIR^101^A", *, patient_class: str = "I", discharged: str = "") -> str:
    """PV1 of the stay 240000001."""
    number = f"{'|' * 16}240000001^^^NDA-C01^VN"
    return f"PV1|1|{patient_class}|{place}{number}{'|' * 25}20240310100000|{discharged}"
