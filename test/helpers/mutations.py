"""Seeded mutations of valid bytes: the inputs of the fuzz tests, the same on every run."""

from collections.abc import Callable, Sequence
import re
import struct

import numpy as np

MOST_MUTATIONS = 4
EXTREME_INTEGERS = (0, 1, 7, 127, 128, 255, 256, 32767, 65535, 65536, 2**24, 2**31 - 1, 2**31,
                    2**32 - 1, 2**40, 2**62, 2**63 - 1, 2**63, 2**64 - 1)
EXTREME_FLOATS = (0.0, -1.0, 1e-40, 1e10, 1e38, 1e300, float('nan'), float('inf'), -float('inf'))
EXTREME_TEXTS = (b'0', b'-1', b'-0', b'1e999', b'-1e308', b'1e-320', b'nan', b'inf', b'-inf',
                 b'2147483648', b'4294967295', b'9223372036854775808', b'99999999999999999999',
                 b'1' * 5000, b'0x10', b'1_000', b'.5', b'1.', b'True', b'null', b'~', b'""', b'',
                 b'\xd9\xa3', b'\x1b[2J', b'../../etc/passwd')
_NUMBER = re.compile(rb'[-+]?\d+(?:\.\d*)?(?:[eE][-+]?\d+)?')
Rng = np.random.Generator


def mutated(seeds: Sequence[bytes], *, seed: int = 0, tokens: Sequence[bytes] = ()
            ) -> Callable[[int], bytes]:
    """Return a function from an index to an input.

    The first `len(seeds)` inputs are the seeds as they are, which `fuzz` wants accepted; every
    other one is a seed with one to four mutations. `tokens` are words of the format, which are
    inserted too.
    """
    def make(index: int) -> bytes:
        if index < len(seeds):
            return seeds[index]
        rng = np.random.default_rng([seed, index])
        data = bytes(seeds[rng.integers(len(seeds))])
        for _ in range(rng.integers(1, MOST_MUTATIONS + 1)):
            data = mutate(data, rng, seeds=seeds, tokens=tokens)
        return data
    return make


def mutate(data: bytes, rng: Rng, *, seeds: Sequence[bytes] = (), tokens: Sequence[bytes] = ()
           ) -> bytes:
    """Return the bytes with one mutation of a random kind."""
    kinds = [_flip, _noise, _cut, _remove, _insert, _duplicate, _move, _integer, _float, _text,
             _text, _line]
    if len(seeds) > 1:
        kinds.append(lambda data, rng: _splice(data, seeds[rng.integers(len(seeds))], rng))
    if tokens:
        kinds.append(lambda data, rng: _at(data, rng, tokens[rng.integers(len(tokens))]))
    return kinds[rng.integers(len(kinds))](data, rng)


def _place(data: bytes, rng: Rng, width: int = 0) -> int:
    """Return an offset, in half of all cases in the first 256 bytes, where headers are."""
    last = max(len(data) - width, 0)
    return int(rng.integers((min(last, 256) if rng.random() < 0.5 else last) + 1))


def _block(data: bytes, rng: Rng) -> tuple[int, int]:
    start = _place(data, rng)
    length = int(2 ** rng.uniform(0, np.log2(max(len(data), 2))))
    return start, min(start + length, len(data))


def _at(data: bytes, rng: Rng, piece: bytes) -> bytes:
    place = _place(data, rng)
    return data[:place] + piece + data[place:]


def _over(data: bytes, rng: Rng, piece: bytes) -> bytes:
    place = _place(data, rng, len(piece))
    return data[:place] + piece + data[place + len(piece):]


def _flip(data: bytes, rng: Rng) -> bytes:
    changed = bytearray(data)
    for _ in range(rng.integers(1, 9)):
        if changed:
            changed[_place(data, rng, 1)] ^= 1 << int(rng.integers(8))
    return bytes(changed)


def _noise(data: bytes, rng: Rng) -> bytes:
    return _over(data, rng, rng.bytes(int(rng.integers(1, 17))))


def _cut(data: bytes, rng: Rng) -> bytes:
    return data[:_place(data, rng)]


def _remove(data: bytes, rng: Rng) -> bytes:
    start, stop = _block(data, rng)
    return data[:start] + data[stop:]


def _insert(data: bytes, rng: Rng) -> bytes:
    return _at(data, rng, rng.bytes(int(rng.integers(1, 65))))


def _duplicate(data: bytes, rng: Rng) -> bytes:
    start, stop = _block(data, rng)
    return data[:stop] + data[start:stop] * int(rng.integers(1, 4)) + data[stop:]


def _move(data: bytes, rng: Rng) -> bytes:
    start, stop = _block(data, rng)
    return _at(data[:start] + data[stop:], rng, data[start:stop])


def _integer(data: bytes, rng: Rng) -> bytes:
    width = int(rng.choice([1, 2, 4, 8]))
    value = EXTREME_INTEGERS[rng.integers(len(EXTREME_INTEGERS))] % 2 ** (8 * width)
    return _over(data, rng, value.to_bytes(width, rng.choice(['little', 'big'])))


def _float(data: bytes, rng: Rng) -> bytes:
    value = EXTREME_FLOATS[rng.integers(len(EXTREME_FLOATS))]
    kind = '<d' if rng.random() < 0.5 else '<f'
    return _over(data, rng, struct.pack(kind, value if kind == '<d' else np.float32(
        np.clip(value, -3e38, 3e38) if np.isfinite(value) else value)))


def _text(data: bytes, rng: Rng) -> bytes:
    """Replace a number that is written in digits."""
    found = list(_NUMBER.finditer(data[:1 << 16]))
    if not found:
        return _noise(data, rng)
    number = found[rng.integers(len(found))]
    piece = EXTREME_TEXTS[rng.integers(len(EXTREME_TEXTS))]
    return data[:number.start()] + piece + data[number.end():]


def _line(data: bytes, rng: Rng) -> bytes:
    """Drop, repeat or swap lines."""
    lines = data[:1 << 16].split(b'\n')
    one, other = rng.integers(len(lines), size=2)
    choice = rng.integers(3)
    if choice == 0:
        del lines[one]
    elif choice == 1:
        lines.insert(one, lines[other])
    else:
        lines[one], lines[other] = lines[other], lines[one]
    return b'\n'.join(lines) + data[1 << 16:]


def _splice(data: bytes, other: bytes, rng: Rng) -> bytes:
    return data[:_place(data, rng)] + other[_place(other, rng):]
