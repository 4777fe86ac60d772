"""Files of HPRIM, which French laboratories send: told apart, so that the refusal says what they are.

HPRIM Santé begins with a record `H` that declares its delimiters, HPRIM Médecin ends its text with
`****FIN****`, HPRIM XML names itself in its root element. Source: HPRIM (now Interop'Santé), as described
in public guides; only the recognition rests on it.
"""

import re

_LOOKED_AT = 4096
_SANTE = re.compile(rb"H([|~^\\&]{1,5})[^\r\n]*(?:[\r\n]|\Z)")
_MEDECIN = re.compile(rb"\*{4}(?:FIN|LAB|FINFICHIER)\*{4,8}")
_XML = re.compile(rb"<(?:\?xml[^>]*\?>\s*<)?[^>]*hprim", re.IGNORECASE)


def is_hprim(content: bytes) -> bool:
    """Whether bytes that are no HL7 v2 look like a file of HPRIM."""
    head = content[:_LOOKED_AT].lstrip()
    if _SANTE.match(head) or _XML.match(head):
        return True
    return bool(_MEDECIN.search(content[-_LOOKED_AT:]) or _MEDECIN.search(head))
