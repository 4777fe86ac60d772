import hashlib
import ssl
from collections.abc import Collection, Iterator
from pathlib import Path

import pytest

from fhir_server.cli.main import run
from fhir_server.operator_error import OperatorError
from fhir_server.settings import Settings
from fhir_server.store.database import Database
from ingest.maps import CurrentMaps
from ingest.transport.mllp_tls import server_tls
from tests.ingest.conftest import KnownCentre, MllpThread, OneCentre
from tests.ingest.journal_rows import issue_ids, rows
from tests.ingest.mllp_client import MllpClient, adt

FOLDER = Path(__file__).parent / "certificates"
SETTINGS = Settings(
    mllp_tls_port=2576,
    tls_certificate=FOLDER / "server.pem",
    tls_key=FOLDER / "server.key",
    tls_client_ca=FOLDER / "ca.pem",
)


ADD = (
    "centre", "add", "C25", "--label", "Centre 25 (fictif)", "--role", "clinical", "--facility", "CHU",
    "--application", "LAB", "--authority", "IPP-25=https://osteon.example/sid/ipp/C25",
    "--valid-from", "2026-01-01",
)  # fmt: skip


def fingerprint(certificate: str) -> str:
    """As `openssl x509 -fingerprint -sha256` writes it."""
    content = ssl.PEM_cert_to_DER_cert((FOLDER / f"{certificate}.pem").read_text())
    return hashlib.sha256(content).hexdigest().upper()


class CertifiedCentre(OneCentre):
    """A register in which the centre's line names the certificate `dpi-c01`."""

    def of_certificate(self, names: Collection[str]) -> frozenset[str]:
        return frozenset({KnownCentre().id} if "dpi-c01" in names else ())


@pytest.fixture
def server(database: Database) -> Iterator[MllpThread]:
    with MllpThread(database.url, tls=server_tls(SETTINGS, CertifiedCentre())) as running:
        yield running


def client(server: MllpThread, certificate: str | None) -> MllpClient:
    context = ssl.create_default_context(cafile=FOLDER / "ca.pem")
    if certificate is not None:
        context.load_cert_chain(FOLDER / f"{certificate}.pem", FOLDER / f"{certificate}.key")
    made = server.client()
    made.socket = context.wrap_socket(made.socket, server_hostname="127.0.0.1")
    return made


def test_mllp_tls__centre_with_its_certificate_is_accepted(
    server: MllpThread, database: Database
) -> None:
    with client(server, "dpi-c01") as sender:
        assert sender.send(adt("1")).get("MSA-1") == "AA"
    assert rows(database)[0]["state"] == "received"


def test_mllp_tls__certificate_of_another_is_refused_and_journalled(
    server: MllpThread, database: Database
) -> None:
    with client(server, "stranger") as sender:
        answer = sender.send(adt("1"))
    assert answer.get("MSA-1") == "AE"
    assert (answer.get("ERR-2.1"), answer.get("ERR-2.3")) == ("MSH", "3")
    assert answer.get("ERR-5") == "ingest-sender-not-certified"
    (row,) = rows(database)
    assert (row["state"], issue_ids(row)) == ("rejected", ["ingest-sender-not-certified"])


def test_mllp_tls__message_of_a_centre_that_another_sends_again_is_refused(
    server: MllpThread, database: Database
) -> None:
    with client(server, "dpi-c01") as sender, client(server, "stranger") as stranger:
        assert sender.send(adt("1")).get("MSA-1") == "AA"
        again = stranger.send(adt("1"))
        assert (again.get("MSA-1"), again.get("ERR-5")) == ("AE", "ingest-sender-not-certified")
        assert sender.send(adt("1")).get("MSA-1") == "AA"
    assert [row["state"] for row in rows(database)] == ["received"]


def test_mllp_tls__certificate_speaks_for_its_own_centre_only(server: MllpThread) -> None:
    with client(server, "dpi-c01") as sender:
        assert sender.send(adt("1", application="OTHER")).get("MSA-1") == "AE"


def test_mllp_tls__certificate_of_the_register_is_bound_to_the_senders_of_its_centre(
    database: Database, own_maps: Path
) -> None:
    maps = CurrentMaps(own_maps)
    tls = server_tls(SETTINGS, maps.register)
    foreign = adt("3").replace(b"|LAB|CHU|", b"|DPI-C01|CENTRE-C01|")
    with (
        MllpThread(database.url, tls=tls, register=maps.register) as running,
        client(running, "dpi-c01") as sender,
    ):
        assert sender.send(adt("1")).get("MSA-1") == "AE"
        assert run([*ADD, "--certificate", fingerprint("dpi-c01")]) == 0
        maps._looked = 0.0
        # The connection has stayed open: the register counts as it is now.
        assert sender.send(adt("2")).get("MSA-1") == "AA"
        assert sender.send(foreign).get("MSA-1") == "AE"
    states = [(row["state"], row["centre"]) for row in rows(database)]
    assert states == [("rejected", None), ("received", "C25"), ("rejected", "C01")]


def test_mllp_tls__without_certificate_nothing_is_taken(
    server: MllpThread, database: Database
) -> None:
    with pytest.raises((ssl.SSLError, ConnectionError)), client(server, None) as sender:
        sender.send(adt("1"))
    with pytest.raises((ConnectionError, TimeoutError)), server.client() as plain:
        plain.send(adt("1"))
    assert rows(database) == []


def test_server_tls__missing_or_broken_files_are_named() -> None:
    with pytest.raises(OperatorError, match="OSTEON_TLS_KEY"):
        server_tls(SETTINGS.model_copy(update={"tls_key": None}), CertifiedCentre())
    broken = SETTINGS.model_copy(update={"tls_certificate": FOLDER / "README.md"})
    with pytest.raises(OperatorError, match="OSTEON_TLS_CERTIFICATE"):
        server_tls(broken, CertifiedCentre())
