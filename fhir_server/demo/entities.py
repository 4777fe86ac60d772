"""Primary bone tumours: how often, at which age, in which sex and bone, and how they are treated.

Frequencies, ages and sites are plausible orders of magnitude for a reference network, not statistics.
Morphology codes are those of ICD-O-3 seen in public lists; codes known from memory only stay out.

Source: ICD-O-3.2 morphology; WHO Classification of Soft Tissue and Bone Tumours, 5th edition
(entities and their usual ages and sites).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

Grade = Literal["1", "2", "3", "low", "intermediate", "high"]

Ages = tuple[tuple[tuple[int, int, int], float], ...]
"""Triangular distributions (youngest, peak, oldest) with their weights."""


@dataclass(frozen=True, slots=True)
class Entity:
    """A tumour of WHO's classification.

    Shape: `share` its weight in the network; `sites` bone → weight; `grades` weights, empty where the
    entity is not graded; `size_mm` smallest, usual, largest; `biopsied`, `neoadjuvant`, `resected`,
    `fatal` are probabilities; `subtypes` morphologies that a second reader may prefer; `mimics` what
    a first reader may take it for.
    """

    morphology: str
    label: str
    french: str
    share: float
    male: float
    ages: Ages
    sites: Mapping[str, float]
    size_mm: tuple[int, int, int]
    grades: tuple[tuple[Grade, float], ...] = ()
    biopsied: float = 1.0
    neoadjuvant: float = 0.0
    resected: float = 0.85
    fatal: float = 0.0
    subtypes: tuple[str, ...] = ()
    mimics: tuple[str, ...] = ()

    @property
    def malignant(self) -> bool:
        """Behaviour digit 3."""
        return self.morphology.endswith("/3")


HIGH: tuple[tuple[Grade, float], ...] = (("high", 1.0),)
LOW: tuple[tuple[Grade, float], ...] = (("low", 1.0),)

# fmt: off
TEENS: Ages = (((5, 15, 30), 0.82), ((40, 66, 85), 0.18))
YOUNG_ADULTS: Ages = (((12, 30, 60), 1.0),)
MIDDLE: Ages = (((25, 56, 85), 1.0),)
CHILDHOOD: Ages = (((3, 14, 30), 1.0),)

AROUND_KNEE = {"femur": 46, "tibia": 21, "humerus": 12, "fibula": 5, "ilium": 7, "mandible": 4, "rib": 2}
SURFACE = {"femur": 66, "tibia": 18, "humerus": 14}
CARTILAGE = {"ilium": 24, "femur": 24, "humerus": 15, "rib": 10, "scapula": 8, "tibia": 6, "sternum": 3,
             "ischium": 4, "thoracic spine": 3, "sacrum": 2}
LIMB_CARTILAGE = {"femur": 42, "humerus": 34, "tibia": 14, "fibula": 5, "hand": 5}
ROUND_CELL = {"femur": 22, "ilium": 22, "tibia": 13, "fibula": 9, "humerus": 10, "rib": 9, "scapula": 5,
              "sacrum": 5, "thoracic spine": 3, "foot": 2}
NOTOCHORD = {"sacrum": 48, "coccyx": 4, "skull base": 32, "cervical spine": 7, "lumbar spine": 6,
             "thoracic spine": 3}
GIANT_CELL = {"femur": 36, "tibia": 27, "radius": 13, "humerus": 7, "sacrum": 8, "fibula": 4, "hand": 2}
ANYWHERE = {"femur": 28, "tibia": 16, "humerus": 14, "ilium": 12, "lumbar spine": 7, "thoracic spine": 6,
            "rib": 5, "fibula": 4, "skull base": 3, "clavicle": 2, "ulna": 2, "patella": 1}

_TABLE = (
    Entity("9180/3", "Osteosarcoma, NOS", "Ostéosarcome conventionnel",
           18, 0.57, TEENS, AROUND_KNEE, (35, 90, 240), HIGH,
           neoadjuvant=0.92, fatal=0.32, subtypes=("9181/3", "9182/3"), mimics=("9260/0", "9220/3")),
    Entity("9181/3", "Chondroblastic osteosarcoma", "Ostéosarcome chondroblastique",
           3.2, 0.55, TEENS, AROUND_KNEE, (35, 95, 240), HIGH,
           neoadjuvant=0.9, fatal=0.34, subtypes=("9180/3",), mimics=("9220/3",)),
    Entity("9182/3", "Fibroblastic osteosarcoma", "Ostéosarcome fibroblastique",
           2, 0.54, TEENS, AROUND_KNEE, (35, 85, 200), HIGH,
           neoadjuvant=0.9, fatal=0.28, subtypes=("9180/3",), mimics=("8810/3",)),
    Entity("9183/3", "Telangiectatic osteosarcoma", "Ostéosarcome télangiectasique",
           1.4, 0.6, TEENS, AROUND_KNEE, (40, 90, 180), HIGH,
           neoadjuvant=0.94, fatal=0.32, subtypes=("9180/3",), mimics=("9260/0",)),
    Entity("9185/3", "Small cell osteosarcoma", "Ostéosarcome à petites cellules",
           0.4, 0.5, TEENS, AROUND_KNEE, (40, 90, 180), HIGH,
           neoadjuvant=0.95, fatal=0.45, subtypes=("9180/3",), mimics=("9364/3",)),
    Entity("9184/3", "Osteosarcoma in Paget disease, secondary", "Ostéosarcome sur maladie de Paget",
           0.5, 0.62, (((55, 70, 88), 1.0),),
           {"ilium": 40, "femur": 30, "humerus": 18, "skull base": 12}, (50, 110, 220), HIGH,
           neoadjuvant=0.3, resected=0.6, fatal=0.75, subtypes=("9180/3",), mimics=("9220/3",)),
    Entity("9187/3", "Low-grade central osteosarcoma", "Ostéosarcome central de bas grade",
           0.7, 0.48, YOUNG_ADULTS, AROUND_KNEE,
           (30, 80, 160), LOW, fatal=0.06, subtypes=("9180/3",), mimics=("9220/0",)),
    Entity("9192/3", "Parosteal osteosarcoma", "Ostéosarcome parostéal",
           1.8, 0.42, YOUNG_ADULTS, SURFACE, (30, 75, 180), LOW,
           resected=0.97, fatal=0.06, subtypes=("9193/3",), mimics=("9210/0",)),
    Entity("9193/3", "Periosteal osteosarcoma", "Ostéosarcome périosté",
           0.7, 0.5, TEENS, SURFACE, (25, 60, 130),
           (("intermediate", 1.0),), neoadjuvant=0.4, resected=0.97, fatal=0.12,
           subtypes=("9180/3",), mimics=("9221/3",)),
    Entity("9194/3", "High-grade surface osteosarcoma", "Ostéosarcome de surface de haut grade",
           0.4, 0.6, TEENS, SURFACE, (40, 90, 180), HIGH,
           neoadjuvant=0.9, fatal=0.35, subtypes=("9180/3",), mimics=("9192/3",)),
    Entity("9220/3", "Chondrosarcoma, NOS", "Chondrosarcome",
           15, 0.56, MIDDLE, CARTILAGE, (30, 90, 260),
           (("1", 0.24), ("2", 0.56), ("3", 0.2)), resected=0.93, fatal=0.2, mimics=("9220/0",)),
    Entity("9222/1", "Atypical cartilaginous tumour", "Tumeur cartilagineuse atypique",
           6, 0.46, MIDDLE, LIMB_CARTILAGE, (15, 45, 110),
           biopsied=0.55, resected=0.75, mimics=("9220/0",)),
    Entity("9243/3", "Dedifferentiated chondrosarcoma", "Chondrosarcome dédifférencié",
           2, 0.56, (((40, 63, 88), 1.0),), CARTILAGE,
           (50, 110, 260), HIGH, neoadjuvant=0.15, resected=0.75, fatal=0.7, subtypes=("9220/3",),
           mimics=("9220/3",)),
    Entity("9242/3", "Clear cell chondrosarcoma", "Chondrosarcome à cellules claires",
           0.7, 0.7, (((25, 40, 60), 1.0),),
           {"femur": 68, "humerus": 20, "tibia": 12}, (20, 55, 110), LOW, fatal=0.06, mimics=("9220/0",)),
    Entity("9240/3", "Mesenchymal chondrosarcoma", "Chondrosarcome mésenchymateux",
           0.9, 0.5, (((10, 26, 55), 1.0),),
           {"mandible": 24, "rib": 22, "ilium": 18, "femur": 18, "lumbar spine": 18}, (25, 70, 160), HIGH,
           neoadjuvant=0.5, fatal=0.4, mimics=("9364/3",)),
    Entity("9221/3", "Periosteal chondrosarcoma", "Chondrosarcome périosté",
           0.6, 0.6, YOUNG_ADULTS, SURFACE, (30, 60, 140),
           (("1", 0.6), ("2", 0.4)), resected=0.97, fatal=0.06, mimics=("9221/0",)),
    Entity("9364/3", "Ewing sarcoma", "Sarcome d'Ewing",
           13, 0.58, (((3, 14, 26), 0.85), ((26, 32, 55), 0.15)), ROUND_CELL,
           (30, 85, 200), HIGH, neoadjuvant=0.97, resected=0.7, fatal=0.33, subtypes=("9368/3",),
           mimics=("9185/3",)),
    Entity("9368/3", "Sarcoma with BCOR genetic alterations", "Sarcome avec altération de BCOR",
           0.6, 0.85, CHILDHOOD, ROUND_CELL,
           (35, 85, 180), HIGH, neoadjuvant=0.95, resected=0.8, fatal=0.25, subtypes=("9364/3",),
           mimics=("9364/3",)),
    Entity("9370/3", "Chordoma, NOS", "Chordome",
           6, 0.62, (((28, 60, 86), 0.96), ((4, 12, 20), 0.04)), NOTOCHORD,
           (20, 60, 160), resected=0.72, fatal=0.28, subtypes=("9371/3",), mimics=("9220/3",)),
    Entity("9371/3", "Chondroid chordoma", "Chordome chondroïde",
           0.5, 0.55, (((25, 48, 75), 1.0),),
           {"skull base": 1}, (15, 35, 70), resected=0.9, fatal=0.2, subtypes=("9370/3",),
           mimics=("9220/3",)),
    Entity("9372/3", "Dedifferentiated chordoma", "Chordome dédifférencié",
           0.3, 0.6, (((45, 66, 85), 1.0),), {"sacrum": 1},
           (60, 100, 180), HIGH, resected=0.6, fatal=0.75, subtypes=("9370/3",), mimics=("9370/3",)),
    Entity("9250/1", "Giant cell tumour of bone", "Tumeur à cellules géantes",
           8, 0.46, (((16, 31, 60), 1.0),), GIANT_CELL,
           (20, 50, 110), neoadjuvant=0.15, resected=0.95, mimics=("9260/0",)),
    Entity("9250/3", "Giant cell tumour of bone, malignant", "Tumeur à cellules géantes maligne",
           0.4, 0.5, (((25, 45, 70), 1.0),), GIANT_CELL,
           (40, 75, 140), HIGH, fatal=0.35, subtypes=("9180/3",), mimics=("9250/1",)),
    Entity("9261/3", "Adamantinoma of long bones", "Adamantinome",
           1, 0.56, (((8, 24, 50), 1.0),), {"tibia": 90, "fibula": 10},
           (25, 80, 180), LOW, resected=0.98, fatal=0.08, mimics=("9262/0",)),
    Entity("9262/0", "Osteofibrous dysplasia, ossifying fibroma", "Dysplasie ostéofibreuse",
           0.9, 0.55, (((1, 8, 18), 1.0),),
           {"tibia": 90, "fibula": 10}, (20, 50, 110), resected=0.35),
    Entity("8890/3", "Leiomyosarcoma", "Léiomyosarcome",
           0.7, 0.55, (((20, 48, 80), 1.0),), ANYWHERE, (30, 75, 160),
           (("low", 0.2), ("high", 0.8)), neoadjuvant=0.2, fatal=0.35, mimics=("8810/3",)),
    Entity("8810/3", "Fibrosarcoma", "Fibrosarcome",
           0.6, 0.52, (((20, 45, 75), 1.0),), ANYWHERE, (30, 75, 160),
           (("low", 0.3), ("high", 0.7)), neoadjuvant=0.25, fatal=0.35, mimics=("9182/3",)),
    Entity("9120/3", "Angiosarcoma", "Angiosarcome",
           0.5, 0.64, (((30, 60, 85), 1.0),), ANYWHERE, (25, 60, 140),
           HIGH, neoadjuvant=0.15, resected=0.6, fatal=0.65, mimics=("9133/3",)),
    Entity("9133/3", "Epithelioid haemangioendothelioma", "Hémangioendothéliome épithélioïde",
           0.6, 0.55, (((12, 38, 75), 1.0),), ANYWHERE,
           (15, 45, 100), resected=0.7, fatal=0.15, mimics=("9125/0",)),
    Entity("9125/0", "Epithelioid haemangioma", "Hémangiome épithélioïde",
           0.3, 0.6, YOUNG_ADULTS, ANYWHERE, (10, 30, 70)),
    Entity("9191/0", "Osteoid osteoma", "Ostéome ostéoïde",
           2.2, 0.72, (((6, 17, 32), 1.0),),
           {"femur": 45, "tibia": 30, "lumbar spine": 8, "humerus": 8, "hand": 5, "foot": 4}, (4, 9, 19),
           biopsied=0.3, resected=0.7),
    Entity("9200/0", "Osteoblastoma", "Ostéoblastome",
           1.4, 0.68, (((8, 21, 38), 1.0),),
           {"lumbar spine": 24, "thoracic spine": 12, "cervical spine": 8, "femur": 16, "tibia": 14,
            "mandible": 12, "foot": 10, "sacrum": 4}, (20, 35, 80), resected=0.92, mimics=("9191/0",)),
    Entity("9210/0", "Osteochondroma", "Ostéochondrome",
           2.2, 0.6, (((6, 17, 38), 1.0),), LIMB_CARTILAGE, (15, 45, 110),
           biopsied=0.1, resected=0.75),
    Entity("9220/0", "Chondroma, NOS", "Chondrome",
           2.2, 0.48, (((10, 36, 70), 1.0),),
           {"hand": 46, "femur": 22, "humerus": 18, "tibia": 8, "foot": 6}, (8, 25, 60), biopsied=0.4,
           resected=0.5),
    Entity("9221/0", "Periosteal chondroma", "Chondrome périosté",
           0.3, 0.6, YOUNG_ADULTS, SURFACE, (10, 25, 48), resected=0.95),
    Entity("9241/0", "Chondromyxoid fibroma", "Fibrome chondromyxoïde",
           0.7, 0.58, (((8, 22, 50), 1.0),),
           {"tibia": 44, "femur": 22, "ilium": 14, "foot": 12, "fibula": 8}, (15, 32, 70), resected=0.95,
           mimics=("9220/3",)),
    Entity("9260/0", "Aneurysmal bone cyst", "Kyste osseux anévrysmal",
           2.4, 0.5, (((3, 13, 28), 1.0),), ANYWHERE, (20, 50, 120),
           resected=0.8),
)
# fmt: on

ENTITIES: Mapping[str, Entity] = {entity.morphology: entity for entity in _TABLE}
"""By ICD-O-3 morphology code."""
