"""The site kept in the data directory: built at first use, and again when what it is made from changes."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from tempfile import mkdtemp

from xxhash import xxh3_64

from fhir_server.definitions.packages import network_package
from fhir_server.guide.site import build_site

_FOLDER = "guide"


def built_site(data_dir: Path) -> Path:
    """The folder of the site. Several processes may ask at once: each builds aside, one wins.

    Cost: some seconds where it is built, else the reading of the package.
    """
    kept = data_dir / "cache"
    site = kept / f"{_FOLDER}-{_fingerprint()}"
    if site.is_dir():
        return site
    kept.mkdir(parents=True, exist_ok=True)
    aside = Path(mkdtemp(prefix=f".{_FOLDER}-", dir=kept))
    try:
        aside.chmod(0o755)
        build_site(aside)
        _publish(aside, site)
    finally:
        shutil.rmtree(aside, ignore_errors=True)
    for former in kept.glob(f"{_FOLDER}-*"):
        if former != site:
            shutil.rmtree(former, ignore_errors=True)
    return site


def _publish(aside: Path, site: Path) -> None:
    """Give the site its name; another process may have been quicker."""
    try:
        aside.rename(site)
    except OSError:
        if not site.is_dir():
            raise


def _fingerprint() -> str:
    digest = xxh3_64()
    for path in _made_from():
        digest.update(os.fsencode(path.name))
        digest.update(path.read_bytes())
    return digest.hexdigest()


def _made_from() -> Iterator[Path]:
    package = network_package()
    yield from sorted(package.rglob("*.json"))
    yield package / "examples" / "expected.csv"
    yield from sorted((package.parent / "mappings").rglob("*.yaml"))
    yield from sorted(
        path
        for path in Path(__file__).parent.rglob("*")
        if path.suffix != ".pyc" and path.is_file()
    )
