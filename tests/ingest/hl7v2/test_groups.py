import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.hl7v2 import Group, Message, group


def grouped(event: str, names: str) -> Group:
    header = f"MSH|^~\\&|A|B|C|D|20260105||{event}|1|P|2.5.1"
    return group(Message.parse("\r".join([header, *(f"{n}|1" for n in names.split())]).encode()))


def outline(root: Group) -> str:
    return " ".join(
        f"({m.name} {outline(m)})" if isinstance(m, Group) else m.name for m in root.members
    )


@pytest.mark.parametrize(
    ("event", "names", "expected"),
    [
        (
            "ORU^R01^ORU_R01",
            "PID PV1 ORC OBR NTE OBX NTE OBX SPM",
            (
                "MSH (PATIENT_RESULT (PATIENT PID (VISIT PV1)) (ORDER_OBSERVATION ORC OBR NTE"
                " (OBSERVATION OBX NTE) (OBSERVATION OBX) (SPECIMEN SPM)))"
            ),
        ),
        (
            "ORU^R01",
            "PID OBR SPM OBX OBX OBR OBX",
            (
                "MSH (PATIENT_RESULT (PATIENT PID) (ORDER_OBSERVATION OBR (SPECIMEN SPM"
                " (SPECIMEN_OBSERVATION OBX) (SPECIMEN_OBSERVATION OBX)))"
                " (ORDER_OBSERVATION OBR (OBSERVATION OBX)))"
            ),
        ),
        (
            "ORU^R01^ORU_R01",
            "PID OBR OBX ZDS ORC OBR OBX ZZZ",
            (
                "MSH (PATIENT_RESULT (PATIENT PID) (ORDER_OBSERVATION OBR (OBSERVATION OBX ZDS))"
                " (ORDER_OBSERVATION ORC OBR (OBSERVATION OBX ZZZ)))"
            ),
        ),
        (
            "ORU^R01^ORU_R01",
            "PID OBR OBX PID OBR OBX",
            (
                "MSH (PATIENT_RESULT (PATIENT PID) (ORDER_OBSERVATION OBR (OBSERVATION OBX)))"
                " (PATIENT_RESULT (PATIENT PID) (ORDER_OBSERVATION OBR (OBSERVATION OBX)))"
            ),
        ),
        (
            "ORU^R01^ORU_R01",
            "PID OBX NTE",
            "MSH (PATIENT_RESULT (PATIENT PID (PATIENT_OBSERVATION OBX) NTE))",
        ),
        (
            "OML^O21^OML_O21",
            "PID ORC OBR OBX SPM ORC OBR",
            (
                "MSH (PATIENT PID) (ORDER ORC (OBSERVATION_REQUEST OBR (OBSERVATION OBX) (SPECIMEN SPM)))"
                " (ORDER ORC (OBSERVATION_REQUEST OBR))"
            ),
        ),
        (
            "OUL^R22^OUL_R22",
            "PID SPM SAC OBR ORC OBX NTE SPM OBR OBX",
            (
                "MSH (PATIENT PID) (SPECIMEN SPM (CONTAINER SAC) (ORDER OBR ORC (RESULT OBX NTE)))"
                " (SPECIMEN SPM (ORDER OBR (RESULT OBX)))"
            ),
        ),
        (
            "ADT^A40^ADT_A39",
            "EVN PID MRG PID MRG",
            "MSH EVN (PATIENT PID MRG) (PATIENT PID MRG)",
        ),
        (
            "ADT^A01^ADT_A01",
            "EVN PID PV1 ZBE ZFA IN1 IN2 IN1",
            ("MSH EVN PID PV1 ZBE ZFA (INSURANCE IN1 IN2) (INSURANCE IN1)"),
        ),
        (
            "MDM^T02^MDM_T02",
            "EVN PID PV1 ORC OBR TXA OBX NTE OBX",
            "MSH EVN PID PV1 (COMMON_ORDER ORC OBR) TXA (OBSERVATION OBX NTE) (OBSERVATION OBX)",
        ),
        ("XXX^Y01", "PID OBX ZZZ", "MSH PID OBX ZZZ"),
    ],
)
def test_group__finds_the_groups_of_the_structure(event: str, names: str, expected: str) -> None:
    assert outline(grouped(event, names)) == expected


def test_group__all_finds_observations_before_and_after_the_specimen() -> None:
    (order,) = grouped("ORU^R01", "PID OBR OBX SPM OBX OBX").find("ORDER_OBSERVATION")
    assert len(list(order.all("OBX"))) == 3
    assert order.segment("OBR") is not None
    assert [specimen.name for specimen in order.groups("SPECIMEN")] == ["SPECIMEN"]


@given(
    st.sampled_from(
        ["ORU^R01", "OML^O21", "OML^O33", "ORM^O01", "OUL^R22", "MDM^T02", "SIU^S12", "ADT^A40"]
    ),
    st.lists(
        st.sampled_from(
            [
                "PID",
                "PD1",
                "NTE",
                "PV1",
                "ORC",
                "OBR",
                "TQ1",
                "OBX",
                "SPM",
                "SAC",
                "ZBE",
                "PRT",
                "TXA",
                "RGS",
                "AIS",
                "MRG",
                "XXX",
            ]
        )
    ),
)
def test_group__every_segment_is_in_exactly_one_group_in_order(
    event: str, names: list[str]
) -> None:
    root = grouped(event, " ".join(names))
    assert [segment.name for segment in root.walk()] == ["MSH", *names]
    assert [segment.index for segment in root.walk()] == list(range(len(names) + 1))
