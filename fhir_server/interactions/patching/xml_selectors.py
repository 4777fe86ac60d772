"""Selectors of XML Patch: the part of XPath that RFC 5261 admits, and nothing beyond it.

Source: RFC 5261 §4.1 (selectors), §4.2.2 (a name without prefix is in the default namespace of the patch)
"""

import re
from collections.abc import Mapping

_NAME = r"[A-Za-z_][\w.\-]*"
_QNAME = rf"(?:{_NAME}:)?{_NAME}"
_STRING = r"""(?:"[^"]*"|'[^']*')"""
_NODE_TEST = rf"(?:text|comment|node)\(\)|processing-instruction\({_STRING}?\)|id\({_STRING}\)"
_PREDICATE = (
    rf"\[\s*(?:[0-9]{{1,9}}|(?:@?{_QNAME}|\.|text\(\))(?:/@{_QNAME})?\s*=\s*{_STRING})\s*\]"
)
_STEP = rf"(?:{_NODE_TEST}|\*|{_QNAME})(?:{_PREDICATE})*"
_SELECTOR = re.compile(rf"/?{_STEP}(?:/{_STEP})*(?:/@{_QNAME}|/namespace::{_NAME})?")
_TOKEN = re.compile(rf"{_STRING}|namespace::{_NAME}|@{_QNAME}|{_QNAME}(?:\()?")

DEFAULT_PREFIX = "default-namespace"


def xpath_of(selector: str, namespaces: Mapping[str, str]) -> str | None:
    """The XPath of a selector; None where it is none of RFC 5261.

    Shape: names without prefix get DEFAULT_PREFIX where the patch has a default namespace.
    """
    text = selector.strip()
    if len(text) > 2000 or _SELECTOR.fullmatch(text) is None:
        return None
    if DEFAULT_PREFIX in namespaces:
        text = _TOKEN.sub(_prefixed, text)
    return text if text.startswith("/") else "/" + text


def _prefixed(token: re.Match[str]) -> str:
    text = token[0]
    if text[0] in "\"'@" or ":" in text or text.endswith("("):
        return text
    return f"{DEFAULT_PREFIX}:{text}"
