"""A registry on the loopback interface, and small packages for it."""

import gzip
import hashlib
import io
import json
import tarfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any


def archive(name: str, version: str, needs: Mapping[str, str] | None = None, **more: Any) -> bytes:
    """A package with one value set, whose version is that of the package."""
    manifest = {"name": name, "version": version, "dependencies": dict(needs or {}), **more}
    value_set = {"resourceType": "ValueSet", "url": f"urn:{name}", "version": version,
                 "status": "active"}  # fmt: skip
    return tgz({
        "package/package.json": json.dumps(manifest).encode(),
        "package/.index.json": b"{}",
        "package/ValueSet-a.json": json.dumps(value_set).encode(),
        "package/example/ValueSet-b.json": b'{"resourceType":"ValueSet","url":"urn:example"}',
    })  # fmt: skip


def tgz(members: Mapping[str, bytes | tarfile.TarInfo]) -> bytes:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as file:
        for name, content in members.items():
            if isinstance(content, tarfile.TarInfo):
                file.addfile(content)
                continue
            member = tarfile.TarInfo(name)
            member.size = len(content)
            file.addfile(member, io.BytesIO(content))
    return packed.getvalue()


def bomb() -> bytes:
    """Two gigabytes of zeros in two megabytes."""
    head = tarfile.TarInfo("package/other.txt")
    head.size = 2**31
    packed = io.BytesIO()
    with gzip.GzipFile(fileobj=packed, mode="wb", compresslevel=1) as stream:
        stream.write(head.tobuf())
        zeros = bytes(2**24)
        for _ in range(2**31 // len(zeros)):
            stream.write(zeros)
    return packed.getvalue()


@contextmanager
def served(
    packages: Mapping[tuple[str, str], bytes], *, shasum: str | None = None
) -> Iterator[str]:
    """The URL of a registry with these packages; `shasum` is stated in place of the true hash."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            name, _, version = self.path.strip("/").partition("/")
            versions = {v: c for (n, v), c in packages.items() if n == name}
            if not versions or (version and version not in versions):
                self.send_error(404)
                return
            listed = {
                v: {
                    "dist": {"shasum": shasum or hashlib.sha1(c, usedforsecurity=False).hexdigest()}
                }
                for v, c in versions.items()
            }
            content = versions[version] if version else json.dumps({"versions": listed}).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
