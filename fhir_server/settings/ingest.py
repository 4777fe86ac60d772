"""Settings of the HL7 v2 feeds: transports, workers, journal, maps."""

from pathlib import Path
from typing import Annotated, ClassVar

from pydantic import Field

from fhir_server.settings.kinds import MEBIBYTE, Folder, Port, Positive, Seconds, SettingGroup


class IngestSettings(SettingGroup):
    """The settings under “HL7 v2 feeds”."""

    heading: ClassVar[str] = "HL7 v2 feeds"

    mllp_port: Port = Field(default=2575, description="The port for HL7 v2 over MLLP.")
    mllp_tls_port: Port | None = Field(
        default=None,
        description="The port for HL7 v2 over MLLP with TLS. A client certificate is asked for, and speaks "
        "for the centres whose register line names it. Without it, MLLP is plain only.",
    )
    tls_certificate: Path | None = Field(
        default=None, description="The server's certificate for TLS, with its chain, as PEM."
    )
    tls_key: Path | None = Field(
        default=None, description="The private key of the server's certificate, as PEM."
    )
    tls_client_ca: Path | None = Field(
        default=None,
        description="The certificates, as PEM, of the authorities whose client certificates are taken.",
    )
    inbox_dir: Folder | None = Field(
        default=None,
        description="A folder watched for files of HL7 v2 messages, bare or as FHS/BHS batches. Files taken "
        "move to `done/`, others to `failed/` with the reason; answers stand in `answers/`.",
    )
    mllp_max_frame_bytes: Positive = Field(
        default=80 * MEBIBYTE,
        description="The largest HL7 v2 message, in bytes; a document of 50 MB fits.",
    )
    mllp_max_connections: Annotated[int, Field(ge=1, le=10_000)] = Field(
        default=256, description="How many MLLP connections may be open at the same time."
    )
    mllp_idle_timeout_s: Seconds = Field(
        default=3600.0,
        description="Seconds after which an MLLP connection on which nothing comes is closed.",
    )
    mllp_frame_timeout_s: Seconds = Field(
        default=30.0,
        description="Seconds that a sender may pause in the midst of a message.",
    )
    mllp_frame_deadline_s: Seconds = Field(
        default=60.0,
        description="Seconds that a sender may take for a whole message, over MLLP or HTTP; more for a large "
        "one by `OSTEON_MLLP_SLOWEST_BYTES_PER_S`.",
    )
    mllp_slowest_bytes_per_s: Positive = Field(
        default=50_000,
        description="For each so many bytes that have come, a sender may take a second longer for a message.",
    )
    ack_deadline_s: Seconds = Field(
        default=10.0,
        description="Seconds within which an HL7 v2 message is journalled and acknowledged; "
        "afterwards the connection is closed, never answered late, and the sender sends again.",
    )
    ack_deadline_per_mb_s: Annotated[float, Field(ge=0, le=60)] = Field(
        default=0.5,
        description="Seconds added to that deadline for each megabyte of a message: a document of 50 MB is "
        "67 MB of Base64, and has to be on the disk before it is acknowledged.",
    )
    mllp_max_bytes_in_flight: Positive = Field(
        default=512 * MEBIBYTE,
        description="How many bytes of HL7 v2 messages all MLLP connections together may hold that are not "
        "yet acknowledged, and all bodies of HTTP in each process of the web server. Beyond, connections are "
        "not read from until others are done; at least one message of the largest size is always taken.",
    )
    ingest_workers: Annotated[int, Field(ge=0, le=64)] = Field(
        default=1,
        description="How many processes translate HL7 v2 messages and store them; 0: none here, "
        "`python -m ingest.worker` runs one elsewhere.",
    )
    message_time_limit_s: Seconds = Field(
        default=300.0,
        description="Seconds of processor time that an HL7 v2 message may take. A worker that needs more "
        "ends and starts again, and the message is held.",
    )
    journal_retention_days: Annotated[int, Field(ge=0, le=36_500)] = Field(
        default=0,
        description="Days after which settled HL7 v2 messages leave the journal; those that are held or "
        "wait stay. 0: never.",
    )
    silence_alert_s: Seconds = Field(
        default=86_400,
        description="Seconds without a message after which a centre that used to send counts as silent, "
        "unless pauses half as long are usual for it.",
    )
    mappings_dir: Folder | None = Field(
        default=None,
        description="A folder with maps, code maps and the centre register, in place of those that are "
        "installed. Changes are taken up while the server runs.",
    )
