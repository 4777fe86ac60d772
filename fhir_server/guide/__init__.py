"""The implementation guide: a static site in French and English, made from the network's package.

Shape: `build_site` writes every page; `source` is what it is written from, one module per kind of content.
"""

from fhir_server.guide.site import build_site
from fhir_server.guide.source import GuideSource, read_source

__all__ = ["GuideSource", "build_site", "read_source"]
