"""Bones in which the invented tumours arise.

Source: ICD-O-3 topography C40–C41 (names of bones included under each code); SNOMED CT body
structures as listed by DICOM context groups. A bone without a verified SNOMED CT code has none here.
"""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Site:
    """A bone. `paired` bones have a side; `axial` ones belong to spine, skull, chest wall or pelvis."""

    name: str
    french: str
    topography: str
    topography_label: str
    snomed: str | None
    paired: bool

    @property
    def axial(self) -> bool:
        """Outside the limbs: an atypical cartilaginous tumour is named so in the limbs only."""
        return self.topography.startswith("C41")


UPPER_LONG = ("C40.0", "Long bones of upper limb, scapula")
UPPER_SHORT = ("C40.1", "Short bones of upper limb")
LOWER_LONG = ("C40.2", "Long bones of lower limb")
LOWER_SHORT = ("C40.3", "Short bones of lower limb")
SKULL = ("C41.0", "Bones of skull and face")
MANDIBLE = ("C41.1", "Mandible")
SPINE = ("C41.2", "Vertebral column")
CHEST = ("C41.3", "Rib, sternum, clavicle")
PELVIS = ("C41.4", "Pelvis, sacrum, coccyx")

SITES: Mapping[str, Site] = {
    site.name: site
    for site in (
        Site("femur", "fémur", *LOWER_LONG, "71341001", paired=True),
        Site("tibia", "tibia", *LOWER_LONG, "12611008", paired=True),
        Site("fibula", "fibula", *LOWER_LONG, "87342007", paired=True),
        Site("patella", "patella", *LOWER_SHORT, "64234005", paired=True),
        Site("foot", "pied", *LOWER_SHORT, None, paired=True),
        Site("humerus", "humérus", *UPPER_LONG, "85050009", paired=True),
        Site("radius", "radius", *UPPER_LONG, "62413002", paired=True),
        Site("ulna", "ulna", *UPPER_LONG, "23416004", paired=True),
        Site("scapula", "scapula", *UPPER_LONG, "79601000", paired=True),
        Site("hand", "main", *UPPER_SHORT, "24097009", paired=True),
        Site("skull base", "base du crâne", *SKULL, "89546000", paired=False),
        Site("mandible", "mandibule", *MANDIBLE, "91609006", paired=False),
        Site("cervical spine", "rachis cervical", *SPINE, "122494005", paired=False),
        Site("thoracic spine", "rachis thoracique", *SPINE, "122495006", paired=False),
        Site("lumbar spine", "rachis lombaire", *SPINE, "122496007", paired=False),
        Site("rib", "côte", *CHEST, "113197003", paired=True),
        Site("sternum", "sternum", *CHEST, "56873002", paired=False),
        Site("clavicle", "clavicule", *CHEST, "51299004", paired=True),
        Site("ilium", "ilium", *PELVIS, "22356005", paired=True),
        Site("ischium", "ischium", *PELVIS, "85710004", paired=True),
        Site("sacrum", "sacrum", *PELVIS, "54735007", paired=False),
        Site("coccyx", "coccyx", *PELVIS, "64688005", paired=False),
    )
}
