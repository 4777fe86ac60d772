from pathlib import Path

import pytest

from fhir_server.guide import GuideSource, build_site, read_source


@pytest.fixture(scope="session")
def source() -> GuideSource:
    return read_source()


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory, source: GuideSource) -> Path:
    """The guide as it is served."""
    folder = tmp_path_factory.mktemp("guide")
    build_site(folder, source)
    return folder
