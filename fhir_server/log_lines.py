"""Log lines: structured, on stderr, without patient data.

A fault is logged by its type and the places in the code it passed, never by its message, which may
quote what a client sent. Whoever logs gives names, numbers and identifiers of requests, nothing of a
resource.
"""

import logging
import sys
import traceback
from collections.abc import MutableMapping
from pathlib import Path
from typing import Any

import structlog

from fhir_server.settings import Settings

_LEVELS = {"debug": 10, "info": 20, "warning": 30, "error": 40}
_CODE = Path(__file__).parent.parent


def configure_logging(settings: Settings) -> None:
    """Send the log lines of this process, ours and those of libraries, to stderr in one form."""
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True, key="time"),
        place_instead_of_message,
    ]
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *shared,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                _renderer(settings),
            ],
        )
    )
    # A line that cannot be written would otherwise be shown with all its arguments.
    logging.raiseExceptions = False
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(_LEVELS[settings.log_level])
    for chatty in ("alembic", "uvicorn"):
        logging.getLogger(chatty).setLevel(max(root.level, logging.WARNING))


def place_instead_of_message(
    _logger: Any, _method: str, event: MutableMapping[str, Any]
) -> MutableMapping[str, Any]:
    """Replace an exception by its type and the places in the code it passed."""
    raised = event.pop("exc_info", None)
    if raised is True:
        raised = sys.exc_info()
    error = raised[1] if isinstance(raised, tuple) else raised
    if isinstance(error, BaseException):
        event["fault"] = type(error).__qualname__
        event["passed"] = [_place(frame) for frame in traceback.extract_tb(error.__traceback__)]
    return event


def _place(frame: traceback.FrameSummary) -> str:
    path = Path(frame.filename)
    shown = path.relative_to(_CODE) if path.is_relative_to(_CODE) else Path(*path.parts[-2:])
    return f"{shown}:{frame.lineno} {frame.name}"


def _renderer(settings: Settings) -> structlog.typing.Processor:
    form = settings.log_format
    if form == "auto":
        form = "console" if sys.stderr.isatty() else "json"
    if form == "console":
        return structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())
    return structlog.processors.JSONRenderer(ensure_ascii=False)
