"""The segment groups of the message structures in use.

One text per structure: `NAME` is a segment, `(GROUP …)` a group, which opens at the first of its
segments. Whether something is required or repeats does not matter for finding groups, so it is not said.
The union of 2.3 to 2.9 stands here: a segment that a later version added is found in an older message.

Source: HL7 v2.5.1 and v2.8.2, chapters 3 (ADT), 4 (OML, ORM), 7 (ORU, OUL), 9 (MDM), 10 (SIU).
"""

from collections.abc import Mapping

_PATIENT_VISIT = "(VISIT PV1 PV2 PRT)"
_TIMING = "(TIMING TQ1 TQ2)"
_OBSERVATION = "(OBSERVATION OBX PRT TCD NTE)"
_SPECIMEN = (
    "(SPECIMEN SPM (SPECIMEN_OBSERVATION OBX PRT) NTE (CONTAINER SAC (CONTAINER_OBSERVATION OBX)))"
)
_INSURANCE = "(INSURANCE IN1 IN2 IN3)"
_PROCEDURE = "(PROCEDURE PR1 ROL)"
_ADT = (
    "MSH SFT UAC EVN PID PD1 ROL ARV NK1 PV1 PV2 ZBE ZFA ZFP ZFV ZFM ZFD ZFS DB1 OBX AL1 DG1 DRG "
    f"{_PROCEDURE} GT1 {_INSURANCE} ACC UB1 UB2 PDA"
)

STRUCTURES: Mapping[str, str] = {
    "ORU_R01": (
        "MSH SFT UAC (PATIENT_RESULT"
        f" (PATIENT PID PD1 PRT NTE NK1 ARV (PATIENT_OBSERVATION OBX PRT) {_PATIENT_VISIT})"
        f" (ORDER_OBSERVATION ORC OBR NTE PRT {_TIMING} CTD DG1 {_OBSERVATION} FT1 CTI {_SPECIMEN})) DSC"
    ),
    "OML_O21": (
        f"MSH SFT UAC NTE (PATIENT PID PD1 PRT NTE NK1 ARV {_PATIENT_VISIT} {_INSURANCE} GT1 AL1)"
        f" (ORDER ORC NTE PRT {_TIMING} (OBSERVATION_REQUEST OBR TCD NTE PRT CTD DG1 {_OBSERVATION}"
        f" {_SPECIMEN}) FT1 CTI BLG)"
    ),
    "OML_O33": (
        f"MSH SFT UAC NTE (PATIENT PID PD1 PRT NTE NK1 ARV {_PATIENT_VISIT} {_INSURANCE} GT1 AL1)"
        f" (SPECIMEN SPM NTE (SPECIMEN_OBSERVATION OBX PRT) SAC (ORDER ORC NTE PRT {_TIMING}"
        f" (OBSERVATION_REQUEST OBR TCD NTE PRT CTD DG1 {_OBSERVATION}) FT1 CTI BLG))"
    ),
    "ORM_O01": (
        f"MSH NTE (PATIENT PID PD1 NTE {_PATIENT_VISIT} {_INSURANCE} GT1 AL1)"
        f" (ORDER ORC OBR RQD RQ1 RXO ODS ODT NTE CTD DG1 {_OBSERVATION} {_SPECIMEN} FT1 CTI BLG)"
    ),
    "OUL_R22": (
        f"MSH SFT UAC NTE (PATIENT PID PD1 PRT NTE NK1 ARV (PATIENT_OBSERVATION OBX PRT) {_PATIENT_VISIT})"
        " (SPECIMEN SPM (SPECIMEN_OBSERVATION OBX PRT) NTE (CONTAINER SAC INV)"
        f" (ORDER OBR ORC NTE PRT {_TIMING} (RESULT OBX PRT TCD SID NTE) CTI)) DSC"
    ),
    "MDM_T02": (
        f"MSH SFT UAC EVN PID PRT PV1 (COMMON_ORDER ORC {_TIMING} OBR NTE) TXA CON"
        " (OBSERVATION OBX PRT NTE)"
    ),
    "SIU_S12": (
        "MSH SCH TQ1 NTE (PATIENT PID PD1 PV1 PV2 OBX DG1)"
        " (RESOURCES RGS (SERVICE AIS NTE) (GENERAL_RESOURCE AIG NTE) (LOCATION_RESOURCE AIL NTE)"
        " (PERSONNEL_RESOURCE AIP NTE))"
    ),
    "ADT_A01": _ADT,
    "ADT_A39": "MSH SFT UAC EVN (PATIENT PID PD1 MRG PV1)",
    "ADT_A30": "MSH SFT UAC EVN PID PD1 MRG",
    "ADT_A24": "MSH SFT UAC EVN (FIRST_PATIENT PID PD1 PV1 DB1)",
    "ACK": "MSH SFT UAC MSA ERR",
}

STRUCTURE_BY_TYPE: Mapping[str, str] = {
    **dict.fromkeys(("ADT^A18", "ADT^A34", "ADT^A46", "ADT^A47"), "ADT_A30"),
    **dict.fromkeys(("ADT^A39", "ADT^A40", "ADT^A41", "ADT^A42"), "ADT_A39"),
    **dict.fromkeys(("ADT^A24", "ADT^A37"), "ADT_A24"),
    "OML^O33": "OML_O33",
    "OUL^R22": "OUL_R22",
    "ADT": "ADT_A01",
    "ACK": "ACK",
    "MDM": "MDM_T02",
    "OML": "OML_O21",
    "ORM": "ORM_O01",
    "ORU": "ORU_R01",
    "SIU": "SIU_S12",
}
"""Where MSH-9.3 is empty or another version's name: by type and trigger event, then by type alone."""
