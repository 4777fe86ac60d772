import pytest

from tests.search.conftest import SearchStore
from tests.search.invented import patient


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("url=http://x.org/a/b", ["ab"]),
        ("url=http://x.org/a", ["a"]),
        ("url:below=http://x.org/a", ["a", "ab"]),
        ("url:below=http://x.org/a/", ["a", "ab"]),
        ("url:below=http://x.org", ["a", "ab", "other"]),
        ("url:above=http://x.org/a/b/c", ["a", "ab"]),
        ("url:missing=true", ["none"]),
    ],
)
def test_uri__hierarchy(store: SearchStore, query: str, found: list[str]) -> None:
    urls = {"a": "http://x.org/a", "ab": "http://x.org/a/b", "other": "http://x.org/ab"}
    for name, url in urls.items():
        store.put({"resourceType": "ValueSet", "id": name, "status": "draft", "url": url})
    store.put({"resourceType": "ValueSet", "id": "none", "status": "draft"})
    assert store.find(f"ValueSet?{query}") == [f"ValueSet/{one}" for one in sorted(found)]


def test_uri__profile_is_found_with_and_without_version(store: SearchStore) -> None:
    store.put(patient("a", meta={"profile": ["http://x.org/p|1.0"], "tag": [{"code": "t"}]}))
    assert store.find("Patient?_profile=http://x.org/p") == ["Patient/a"]
    assert store.find("Patient?_profile=http://x.org/p|1.0&_tag=t") == ["Patient/a"]
    assert store.find("Patient?_profile=http://x.org/p|2.0") == []
