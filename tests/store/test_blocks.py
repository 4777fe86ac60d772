"""What SQL says of blocks must be of one size."""

from fhir_server.store import blocks
from fhir_server.store.keys import KEY_SECTION, KEY_SECTION_BITS


def test_blocks__literals_are_of_one_size() -> None:
    size = 1 << blocks.BLOCK_BITS
    assert blocks.BLOCK.endswith(f">> {blocks.BLOCK_BITS}")
    assert blocks.FIRST_PLACE.endswith(f"<< {blocks.BLOCK_BITS}")
    assert f"bit({size})" in blocks.NO_PLACES
    assert f"bit({size})" in blocks.ONE_PLACE
    assert f"& {size - 1})" in blocks.ONE_PLACE


def test_sections__literal_is_of_their_bits() -> None:
    assert KEY_SECTION.endswith(f">> {KEY_SECTION_BITS}")
