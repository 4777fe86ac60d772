"""Scope: the resource that is validated, what contains it, and how references resolve within it.

Source: FHIR R4 §2.3.0.3 contained, §2.36.4 references within a Bundle,
https://hl7.org/fhir/R4/bundle.html#references
"""

import re
from collections.abc import Iterator
from functools import cached_property
from typing import Any

Resource = dict[str, Any]

_RESTFUL = re.compile(
    r"(?P<base>.*/)?(?P<type>[A-Z][A-Za-z]+)/(?P<id>[A-Za-z0-9\-.]{1,64})(/_history/(?P<version>[A-Za-z0-9\-.]{1,64}))?"
)


class BundleIndex:
    """The entries of a Bundle by fullUrl and by `Type/id`, or the resources of Parameters, which may refer
    to each other by `Type/id`; built once, so that resolving is one look-up.
    """

    def __init__(self, bundle: Resource) -> None:
        self._bundle = bundle
        self.by_url: dict[str, list[Resource]] = {}
        self.url_of: dict[int, str] = {}
        """The fullUrl of each resource, by its identity: what relative references are relative to."""
        for entry, resource in self._entries():
            url = entry.get("fullUrl")
            if isinstance(url, str):
                self.url_of[id(resource)] = url
                self.by_url.setdefault(url, []).append(resource)

    @property
    def type(self) -> Any:
        """The type of the Bundle, as it stands there; None for Parameters."""
        return self._bundle.get("type")

    def _entries(self) -> Iterator[tuple[Resource, Resource]]:
        """Each entry that holds a resource, with that."""
        kind = self._bundle.get("resourceType")
        entries = self._bundle.get("entry" if kind == "Bundle" else "parameter")
        for entry in entries if isinstance(entries, list) else ():
            if isinstance(entry, dict) and isinstance(resource := entry.get("resource"), dict):
                yield entry, resource

    @cached_property
    def by_id(self) -> dict[str, list[Resource]]:
        """The resources by `Type/id`; drawn up where a reference first asks for it."""
        found: dict[str, list[Resource]] = {}
        for _, resource in self._entries():
            key = f"{resource.get('resourceType')}/{resource.get('id')}"
            found.setdefault(key, []).append(resource)
        return found


class EntryTally:
    """What the entries of a Bundle have, counted in one pass. Of a large Bundle each pass costs more than
    what is asked in it: the entries have left the processor's cache.

    Shape: `count` None where they are not plain objects in an array; `holding` how many have each of some
    members; `urls` how many have a fullUrl, `identities` how many of these, each with the version of its
    resource, differ.
    """

    def __init__(self, bundle: Resource) -> None:
        entries = bundle.get("entry", [])
        self.count: int | None = None
        self.holding = dict.fromkeys(("search", "request", "response"), 0)
        self.urls = 0
        found: set[str] = set()
        if not isinstance(entries, list):
            return
        for entry in entries:
            if not isinstance(entry, dict) or "_fullUrl" in entry:
                return
            for key in self.holding:
                if entry.get(key) is not None:
                    self.holding[key] += 1
            url, resource = entry.get("fullUrl"), entry.get("resource")
            version = _version(resource) if isinstance(resource, dict) else None
            if isinstance(url, str):
                self.urls += 1
                found.add(f"{url}{version}" if version else url)
        self.count, self.identities = len(entries), len(found)


class Scope:
    """One resource within what contains it.

    Shape: `resource` is `%resource`, `root` is `%rootResource` (the container of a contained resource);
    `full_url` the fullUrl of its Bundle entry.
    """

    __slots__ = (
        "__dict__", "bundle", "depth", "full_url", "nested", "outer", "repeating", "resource", "root",
        "scanned", "verdicts",
    )  # fmt: skip

    def __init__(
        self,
        resource: Resource,
        root: Resource | None = None,
        bundle: BundleIndex | None = None,
        full_url: str | None = None,
        outer: "Scope | None" = None,
    ) -> None:
        self.resource = resource
        self.root = root if root is not None else resource
        self.bundle = bundle
        self.full_url = full_url
        self.outer = outer
        self.depth: int = outer.depth + 1 if outer is not None else 0
        self.verdicts: dict[tuple[int, str], bool] = outer.verdicts if outer is not None else {}
        """Whether a resource, by its identity, conforms to a profile: shared by all scopes of an input."""
        self.nested: dict[tuple[int, tuple[str, ...], bool], bool] = (
            outer.nested if outer is not None else {}
        )
        """What the fast path says of a resource within another, by its identity, the profiles asked for and
        whether in silence: shared like the verdicts.
        """
        self.scanned: dict[tuple[int, Any, bool], Any] = outer.scanned if outer is not None else {}
        """The doubts about a resource, by its identity, the root of a profile and whether in silence: shared
        like the verdicts.
        """
        self.repeating: set[int] = outer.repeating if outer is not None else set()
        """The resources, by their identity, in which a scan has met the same id at two elements."""

    def note_id(self, own_id: Any, holder: Any) -> None:
        """Keeps the id of an element. Scans meet an element several times: by its profiles, its slices."""
        if isinstance(own_id, str) and self._holders.setdefault(own_id, holder) is not holder:
            self.repeating.add(id(self.resource))

    @cached_property
    def _holders(self) -> dict[str, Any]:
        """The elements of this resource by their ids."""
        return {}

    def contained(self, resource: Resource) -> "Scope":
        """The scope of a resource contained in this one."""
        return Scope(resource, self.root, self.bundle, self.full_url, self)

    def entry(self, resource: Resource, full_url: str | None = None) -> "Scope":
        """The scope of a resource that stands by itself inside this one: in a Bundle or in Parameters."""
        is_holder = self.resource.get("resourceType") in {"Bundle", "Parameters"}
        bundle = self.own_bundle if is_holder else self.bundle
        if full_url is None and bundle is not None:
            full_url = bundle.url_of.get(id(resource))
        return Scope(resource, None, bundle, full_url, self)

    def target(self, resource: Resource, reference: str) -> "Scope":
        """The scope of a resource that a reference has led to."""
        return self.contained(resource) if reference.startswith("#") else self.entry(resource)

    @cached_property
    def own_bundle(self) -> BundleIndex:
        """The entries of this resource, which is a Bundle."""
        return BundleIndex(self.resource)

    @cached_property
    def tally(self) -> EntryTally:
        """What the entries of this resource have, which is a Bundle."""
        return EntryTally(self.resource)

    @cached_property
    def contained_by_id(self) -> dict[str, Resource]:
        """The contained resources of the root resource by id."""
        contained = self.root.get("contained")
        return {
            item["id"]: item
            for item in (contained if isinstance(contained, list) else ())
            if isinstance(item, dict) and isinstance(item.get("id"), str)
        }

    def resolve(self, reference: str) -> Resource | None:
        """The resource a reference leads to within what is at hand, or None."""
        found = self.candidates(reference)
        return found[0] if found else None

    def candidates(self, reference: str) -> list[Resource]:
        """Every resource at hand that a reference may mean; in a correct Bundle at most one."""
        if reference.startswith("#"):
            if reference == "#":
                return [self.root]
            resource = self.contained_by_id.get(reference[1:])
            return [resource] if resource is not None else []
        if self.bundle is None:
            return []
        reference, _, fragment = reference.partition("#")
        found = self.bundle.by_url.get(reference)
        if found is None:
            found = self._by_restful_id(reference)
        if fragment:
            return [
                item
                for resource in found
                for item in resource.get("contained", ())
                if isinstance(item, dict) and item.get("id") == fragment
            ]
        return found

    def _by_restful_id(self, reference: str) -> list[Resource]:
        assert self.bundle is not None  # noqa: S101 — callers have asked
        match = _RESTFUL.fullmatch(reference)
        if match is None:
            return []
        plain = f"{match['type']}/{match['id']}"
        version = match["version"]
        found: list[Resource] = []
        if match["base"]:
            found = self.bundle.by_url.get(match["base"] + plain, [])
        else:
            own = _RESTFUL.fullmatch(self.full_url or "")
            if own is not None and own["base"]:
                found = self.bundle.by_url.get(own["base"] + plain, [])
            if not found:
                # Entries without a RESTful fullUrl can be meant by their id only where one alone has it.
                alike = self.bundle.by_id.get(plain, [])
                found = alike if len(alike) == 1 else []
        if version:
            return [r for r in found if _version(r) == version]
        return found


def _version(resource: Resource) -> str | None:
    meta = resource.get("meta")
    return meta.get("versionId") if isinstance(meta, dict) else None


def referenced_type(reference: str) -> str | None:
    """The resource type that a literal reference names, or None."""
    match = _RESTFUL.fullmatch(reference.partition("#")[0])
    return match["type"] if match else None
