"""The invented patients: reproducible at any size, plausible, recognisably invented."""

from collections import Counter
from datetime import date
from statistics import median

from fhir_server.demo.centres import Centre
from fhir_server.demo.entities import ENTITIES
from fhir_server.demo.network import CUT_OFF, patient, patients
from fhir_server.demo.records import DemoPatient, Report, Specimen, Tumour
from fhir_server.demo.sites import SITES


def _tumours(people: list[DemoPatient]) -> list[Tumour]:
    return [tumour for person in people for tumour in person.tumours]


def _specimens(people: list[DemoPatient]) -> list[Specimen]:
    return [specimen for tumour in _tumours(people) for specimen in tumour.specimens]


def _reports(people: list[DemoPatient]) -> list[Report]:
    return [report for specimen in _specimens(people) for report in specimen.reports]


def _ages(people: list[DemoPatient], *morphologies: str) -> list[int]:
    return [
        (person.tumours[0].diagnosed - person.identity.birth_date).days // 365
        for person in people
        if person.tumours[0].diagnosis.morphology in morphologies
    ]


def test_patients__are_the_same_in_a_network_of_any_size(centres: dict[str, Centre]) -> None:
    assert list(patients(1, 20, centres)) == list(patients(1, 200, centres))[:20]


def test_patient__can_be_made_alone(centres: dict[str, Centre]) -> None:
    assert patient(1, 17, centres) == list(patients(1, 17, centres))[-1]


def test_patients__are_others_with_another_seed(centres: dict[str, Centre]) -> None:
    assert list(patients(1, 5, centres)) != list(patients(2, 5, centres))


def test_patient__does_not_change_from_one_release_to_the_next(
    centres: dict[str, Centre],
) -> None:
    first = patient(1, 1, centres)

    tumour = first.tumours[0]
    assert (first.identity.pseudonym, first.identity.birth_date) == (
        "RSO-01-0000001",
        date(1972, 3, 15),
    )
    assert (tumour.diagnosis.morphology, tumour.site.name) == ("9220/3", "ilium")


def test_patients__are_treated_in_all_centres(
    centres: dict[str, Centre], people: list[DemoPatient]
) -> None:
    seen = {person.centre for person in people} | {report.centre for report in _reports(people)}

    assert seen == set(centres)


def test_tumours__follow_the_frequencies_of_their_entities(people: list[DemoPatient]) -> None:
    found = Counter(tumour.diagnosis.morphology for tumour in _tumours(people))

    assert {code for code, _ in found.most_common(4)} <= {
        "9180/3",
        "9220/3",
        "9364/3",
        "9250/1",
        "9222/1",
    }
    assert found.keys() <= ENTITIES.keys()


def test_tumours__occur_at_the_age_of_their_entity(people: list[DemoPatient]) -> None:
    assert 10 <= median(_ages(people, "9180/3", "9181/3", "9182/3")) <= 25
    assert 5 <= median(_ages(people, "9364/3")) <= 22
    assert 40 <= median(_ages(people, "9220/3")) <= 70
    assert 45 <= median(_ages(people, "9370/3")) <= 70


def test_tumours__arise_in_bones_of_their_entity(people: list[DemoPatient]) -> None:
    chordomas = [t.site.topography for t in _tumours(people) if t.diagnosis.morphology == "9370/3"]
    cartilaginous = [t.site for t in _tumours(people) if t.diagnosis.morphology == "9222/1"]

    assert set(chordomas) <= {"C41.0", "C41.2", "C41.4"}
    assert cartilaginous
    assert not any(site.axial for site in cartilaginous)


def test_tumours__have_a_side_in_paired_bones_only(people: list[DemoPatient]) -> None:
    assert all((t.laterality is not None) == t.site.paired for t in _tumours(people))


def test_course__keeps_its_events_in_order(people: list[DemoPatient]) -> None:
    for person in people:
        assert person.identity.birth_date < person.first_contact < person.tumours[0].diagnosed
        for tumour in person.tumours:
            moments = [
                moment
                for specimen in tumour.specimens
                for moment in (
                    specimen.collected,
                    *(i.at for r in specimen.reports for i in r.issues),
                )
            ]
            assert tumour.first_symptoms < tumour.diagnosed == moments[0].date()
            assert moments == sorted(moments)
            assert moments[-1].date() <= person.last_contact <= CUT_OFF


def test_course__gives_each_expert_reading_to_another_centre(people: list[DemoPatient]) -> None:
    pairs = [s.reports for s in _specimens(people) if len(s.reports) == 2]

    assert pairs
    assert all(first.centre != expert.centre for first, expert in pairs)


def test_course__has_discordant_second_readings(people: list[DemoPatient]) -> None:
    pairs = [s.reports for s in _specimens(people) if len(s.reports) == 2]
    discordant = sum(first.diagnosis != expert.diagnosis for first, expert in pairs)

    assert 0.1 < discordant / len(pairs) < 0.5


def test_course__ends_with_the_diagnosis_of_its_last_reading(people: list[DemoPatient]) -> None:
    assert all(
        tumour.specimens[-1].reports[-1].diagnosis == tumour.diagnosis
        for tumour in _tumours(people)
    )


def test_course__measures_necrosis_after_chemotherapy_only(people: list[DemoPatient]) -> None:
    for tumour in _tumours(people):
        for specimen in tumour.specimens:
            if any(report.necrosis is not None for report in specimen.reports):
                assert ENTITIES[tumour.diagnosis.morphology].neoadjuvant > 0
                assert specimen.resected


def test_course__corrects_some_reports_and_issues_some_before_they_are_final(
    people: list[DemoPatient],
) -> None:
    found = Counter(issue.status for report in _reports(people) for issue in report.issues)

    assert found["final"] == len(_reports(people))
    assert found["preliminary"] > found["corrected"] > 0


def test_network__has_patients_with_two_tumours(people: list[DemoPatient]) -> None:
    assert {len(person.tumours) for person in people} == {1, 2}


def test_network__knows_some_birth_dates_in_part(people: list[DemoPatient]) -> None:
    lengths = {len(person.identity.known_birth_date) for person in people}

    assert lengths == {4, 7, 10}
    assert all(
        person.identity.ins is None for person in people if person.identity.birth_precision != "day"
    )


def test_identities__are_unique_and_plainly_invented(people: list[DemoPatient]) -> None:
    identities = [person.identity for person in people]
    ins = [one.ins for one in identities if one.ins]

    assert len({one.ipp for one in identities}) == len({one.pseudonym for one in identities}) == 600
    assert len(set(ins)) == len(ins)
    assert all(len(one) == 15 and one.startswith("9") for one in ins)
    assert all(
        one.family_name.split("-")[0] in {"Fictif", "Essai", "Exemple", "Modèle"}
        for one in identities
    )


def test_numbers__are_unique_within_the_network(people: list[DemoPatient]) -> None:
    reports = [report.number for report in _reports(people)]
    specimens = [specimen.number for specimen in _specimens(people)]

    assert len(set(reports)) == len(reports)
    assert len(set(specimens)) == len(specimens)


def test_entities__name_bones_and_entities_that_exist() -> None:
    for entity in ENTITIES.values():
        assert entity.sites.keys() <= SITES.keys()
        assert {*entity.subtypes, *entity.mimics} <= ENTITIES.keys()
