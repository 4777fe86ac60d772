"""The user that the embedded PostgreSQL runs as: it refuses to run as root."""

import contextlib
import os
import pwd
import stat
from pathlib import Path

from fhir_server.child_process import RunAs
from fhir_server.operator_error import OperatorError

ACCOUNTS = ("postgres", "nobody")
"""The unprivileged accounts that stand in for root, in the order of preference."""


def account_for(cluster: Path, data_dir: Path, programs: Path) -> RunAs | None:
    """The user to run as; None for an ordinary user, who runs it.

    Shape: started by root, it is who owns the cluster or the data directory, else an unprivileged account
    that every system has. No account is made and no right on a folder is changed; where that user
    cannot enter the folders, it keeps root's right to enter, and only that.
    Errors: OperatorError.
    """
    if os.geteuid() != 0:
        return None
    uid, gid = _owner(cluster) or _owner(data_dir) or _account()
    keeps_access = not (may_enter(uid, gid, data_dir) and may_enter(uid, gid, programs))
    return RunAs(uid, gid, keeps_access=keeps_access)


def check_access(run_as: RunAs | None, data_dir: Path) -> None:
    """Errors: OperatorError where an ordinary user lacks the right to write the data directory."""
    cluster = data_dir / "postgres"
    if run_as is not None:
        return
    if not os.access(data_dir, os.W_OK | os.X_OK):
        raise OperatorError(f"OSTEON_DATA_DIR: {data_dir} cannot be written by this user")
    with contextlib.suppress(FileNotFoundError):
        if cluster.stat().st_uid != os.geteuid():
            raise OperatorError(
                f"OSTEON_DATA_DIR: {cluster} belongs to another user; start Osteon as that user or root, "
                "or choose another directory"
            )


def may_enter(uid: int, gid: int, folder: Path) -> bool:
    """Whether a user, by the permission bits alone, can enter a folder and all above it."""
    return all(_may_enter_one(uid, gid, step.stat()) for step in (folder, *folder.parents))


def _may_enter_one(uid: int, gid: int, found: os.stat_result) -> bool:
    if found.st_uid == uid:
        return bool(found.st_mode & stat.S_IXUSR)
    if found.st_gid == gid:
        return bool(found.st_mode & stat.S_IXGRP)
    return bool(found.st_mode & stat.S_IXOTH)


def _owner(folder: Path) -> tuple[int, int] | None:
    try:
        found = folder.stat()
        # initdb asks for the name of the user it runs as.
        pwd.getpwuid(found.st_uid)
    except (FileNotFoundError, KeyError):
        return None
    return (found.st_uid, found.st_gid) if found.st_uid != 0 else None


def _account() -> tuple[int, int]:
    for name in ACCOUNTS:
        with contextlib.suppress(KeyError):
            entry = pwd.getpwnam(name)
            return entry.pw_uid, entry.pw_gid
    raise OperatorError(
        "PostgreSQL does not run as root and this system has no user postgres or nobody: "
        "start Osteon as an ordinary user or set OSTEON_DATABASE_URL"
    )
