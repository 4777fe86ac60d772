r"""Escape sequences in text: `\F\`, `\S\`, `\T\`, `\R\`, `\E\`, `\P\`, `\.br\`, `\Xhh…\` and their kin.

Source: HL7 v2.5.1 §2.7 (use of escape sequences in text fields), §2.7.7 (formatting commands).
"""

import re
from collections.abc import Callable
from functools import cache

from ingest.hl7v2.charset import first_control
from ingest.hl7v2.delimiters import Delimiters

Unescape = Callable[[str], str]

# Highlighting and page layout carry no text of their own.
_LAYOUT = r"\.(?:fi|nf|in|ti)[+-]?\d*"
_SPACING = r"\.(?P<command>sp|sk)\+?(?P<count>\d{0,3})"
_SEQUENCE = rf"[FSTREPHN]|\.br|\.ce|{_SPACING}|{_LAYOUT}|X(?P<hex>(?:[0-9A-Fa-f]{{2}})+)"


@cache
def unescape_for(delimiters: Delimiters, codec: str) -> Unescape:
    r"""The function that replaces escape sequences under these delimiters.

    Shape: what is no known sequence (a lone escape character, `\Zxx\`, `\C…\`, `\M…\`, hexadecimal
    bytes that are no text in the message's character set, or control characters) stays as it stands, so
    that nothing is lost.
    """
    escape = delimiters.escape.decode("ascii")
    if not escape:
        return str
    letters = {
        "F": delimiters.field.decode(),
        "S": delimiters.component.decode(),
        "T": delimiters.subcomponent.decode() or f"{escape}T{escape}",
        "R": delimiters.repetition.decode() or f"{escape}R{escape}",
        "E": escape,
        "P": delimiters.truncation.decode() or f"{escape}P{escape}",
        "H": "",
        "N": "",
        ".br": "\n",
        ".ce": "\n",
    }
    sequence = re.compile(f"{re.escape(escape)}({_SEQUENCE}){re.escape(escape)}")

    def replacement(match: re.Match[str]) -> str:
        letter = letters.get(match[1])
        if letter is not None:
            return letter
        if match["hex"] is not None:
            return _hexadecimal(match["hex"], codec) or match[0]
        if match["command"] is not None:
            return {"sp": "\n", "sk": " "}[match["command"]] * int(match["count"] or 1)
        return ""

    def unescape(text: str) -> str:
        return sequence.sub(replacement, text) if escape in text else text

    return unescape


def _hexadecimal(digits: str, codec: str) -> str | None:
    content = bytes.fromhex(digits)
    if first_control(content) is not None:
        return None
    try:
        return content.decode(codec)
    except UnicodeDecodeError:
        return None


def escape_text(text: str, delimiters: Delimiters) -> str:
    """Text made safe to stand in a field: the reverse of `unescape_for` for delimiters and line ends."""
    escape = delimiters.escape.decode()
    if not escape:
        return text
    table = {
        escape: f"{escape}E{escape}",
        delimiters.field.decode(): f"{escape}F{escape}",
        delimiters.component.decode(): f"{escape}S{escape}",
        delimiters.subcomponent.decode(): f"{escape}T{escape}",
        delimiters.repetition.decode(): f"{escape}R{escape}",
        delimiters.truncation.decode(): f"{escape}P{escape}",
        "\r": f"{escape}X0D{escape}",
        "\n": f"{escape}.br{escape}",
    }
    return "".join(table.get(character, character) for character in text)
