"""LZF, the compression of PCD files: literal runs, and copies of what was unpacked before.

Format: liblzf by Marc Lehmann, http://oldhome.schmorp.de/marc/liblzf.html. A control byte below 32
begins a run of literal bytes; any other holds the length of a copy, and how far back it starts.
"""

_LITERAL, _LONG = 32, 7


def decompressed(data: bytes, size: int) -> bytes:
    """Return the `size` bytes that LZF data unpack to; raises ValueError for any others."""
    out = bytearray()
    at = 0
    while at < len(data) and len(out) <= size:
        control = data[at]
        at += 1
        if control < _LITERAL:
            out += data[at:at + control + 1]
            at += control + 1
            if at > len(data):
                raise ValueError('its compressed data end within a run of bytes')
        else:
            at = _copy(data, at, control, out)
    if len(out) != size:
        raise ValueError(f'its compressed data do not unpack to the {size} bytes declared')
    return bytes(out)


def _copy(data: bytes, at: int, control: int, out: bytearray) -> int:
    """Append one copy to `out`; returns where the next control byte is."""
    length, extra = control >> 5, 1
    if length == _LONG:
        length, extra = length + data[at], 2
    back = ((control & 31) << 8) + data[at + extra - 1] + 1
    length += 2
    if back > len(out):
        raise ValueError('its compressed data copy what was not unpacked yet')
    chunk = bytes(out[len(out) - back:len(out) - back + length])
    # A copy may overlap what it appends: it repeats.
    out += (chunk * (length // len(chunk) + 1))[:length]
    return at + extra
