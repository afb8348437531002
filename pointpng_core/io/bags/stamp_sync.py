"""Puts the messages of one moment together by their stamps; without ROS.

As message_filters' TimeSynchronizer, which depth_image_proc uses, and further where a partner has
no message of its own for each image: see `StampSynchroniser`.
"""

from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Generic, TypeVar

Message = TypeVar('Message')

QUEUE = 30
"""Messages kept of each topic: a second at 30 Hz, as long as a segmentation network may take."""
JUMP_NS = 2_000_000_000
"""A stamp this much older than one of its topic before it: time jumped back."""
TIMELESS_NS = 0
"""The stamp of a message that belongs to every image."""


@dataclass(kw_only=True)
class _Partner(Generic[Message]):
    lasting: bool
    messages: OrderedDict[int, Message] = field(default_factory=OrderedDict)
    newest: Message | None = None
    newest_ns: int = 0
    separate: bool = False
    """Whether images have come without a message of their own, and are not to wait for one."""

    def follow(self, stamp_ns: int) -> None:
        """Drop what has a stamp if time has jumped back to `stamp_ns`, as a bag in a loop does."""
        if stamp_ns < self.newest_ns - JUMP_NS:
            self.messages = OrderedDict(
                (other_ns, message) for other_ns, message in self.messages.items()
                if other_ns == TIMELESS_NS)
            self.newest_ns = stamp_ns

    def put(self, stamp_ns: int, message: Message) -> None:
        """Add a message; of more than QUEUE, the first is forgotten."""
        if stamp_ns != TIMELESS_NS:
            self.follow(stamp_ns)
            self.newest_ns = max(self.newest_ns, stamp_ns)
        self.newest = self.messages[stamp_ns] = message
        if len(self.messages) > QUEUE:
            self.messages.popitem(last=False)


@dataclass(kw_only=True)
class _Waiting(Generic[Message]):
    message: Message
    arrived_s: float


@dataclass(frozen=True, kw_only=True)
class Matched(Generic[Message]):
    """An image, and the message of each partner that belongs to it."""

    image: Message
    partners: dict[str, Message]


class StampSynchroniser(Generic[Message]):
    """Finds to each image the message of every partner: of the same stamp, at once.

    Otherwise the nearest within `tolerance_s`, as soon as none nearer can come: the partner has
    passed the image's stamp, or `wait_s` has gone by. A message with stamp 0 belongs to every
    image.

    `partners` says of each whether its messages are *lasting*, as the intrinsics of a camera:
    then an image without one of its own gets the newest there is, after `wait_s` the first time
    and without waiting from then on, until they come image by image again. Other partners, as
    masks, are never taken from another moment: the image waits until QUEUE others have come.

    `unmatched` counts the images that were given up. Times are those of a steady clock.
    """

    def __init__(self, partners: Mapping[str, bool], *, tolerance_s: float, wait_s: float
                 ) -> None:
        self._partners: dict[str, _Partner[Message]] = {
            name: _Partner(lasting=lasting) for name, lasting in partners.items()}
        self._tolerance_ns = round(tolerance_s * 1e9)
        self._wait_s = wait_s
        self._images: OrderedDict[int, _Waiting[Message]] = OrderedDict()
        self._newest_ns = 0
        self._last_ns: int | None = None         # of the last image that was matched
        self.unmatched = 0
        self._in_a_row = 0

    @property
    def missing(self) -> list[str]:
        """Return the partners of which no message has come yet."""
        return [name for name, partner in self._partners.items() if partner.newest is None]

    @property
    def unmatched_in_a_row(self) -> int:
        """Return how many images were given up since the last that was matched."""
        return self._in_a_row

    def put_image(self, stamp_ns: int, image: Message, now_s: float
                  ) -> Matched[Message] | None:
        """Add an image; see `due`."""
        self._follow(stamp_ns)
        self._images[stamp_ns] = _Waiting(message=image, arrived_s=now_s)
        if len(self._images) > QUEUE:
            self._images.popitem(last=False)
            self.unmatched += 1
            self._in_a_row += 1
        return self.due(now_s)

    def put_partner(self, name: str, stamp_ns: int, message: Message, now_s: float
                    ) -> Matched[Message] | None:
        """Add a message of a partner; see `due`."""
        partner = self._partners[name]
        partner.put(stamp_ns, message)
        if stamp_ns == self._last_ns:
            partner.separate = False
        return self.due(now_s)

    def due(self, now_s: float) -> Matched[Message] | None:
        """Return the newest image that is complete; the images before it are given up.

        None while there is none; ask again after `wait_s`.
        """
        for stamp_ns in reversed(self._images):
            waited = now_s - self._images[stamp_ns].arrived_s >= self._wait_s
            found = {name: self._found(partner, stamp_ns, waited)
                     for name, partner in self._partners.items()}
            complete = {name: message for name, message in found.items() if message is not None}
            if len(complete) == len(found):
                return Matched(image=self._taken(stamp_ns), partners=complete)
        return None

    def _found(self, partner: _Partner[Message], stamp_ns: int, waited: bool) -> Message | None:
        own = partner.messages.get(stamp_ns, partner.messages.get(TIMELESS_NS))
        if own is not None:
            return own
        decided = waited or any(other_ns > stamp_ns for other_ns in partner.messages)
        nearest_ns = min(partner.messages, key=lambda other_ns: abs(other_ns - stamp_ns),
                         default=None)
        if decided and nearest_ns is not None and abs(nearest_ns - stamp_ns) <= self._tolerance_ns:
            return partner.messages[nearest_ns]
        if not partner.lasting or not (waited or partner.separate):
            return None
        partner.separate = True
        return partner.newest

    def _taken(self, stamp_ns: int) -> Message:
        """Return a waiting image; those before it are given up."""
        while True:
            first_ns, waiting = self._images.popitem(last=False)
            if first_ns == stamp_ns:
                self._last_ns, self._in_a_row = stamp_ns, 0
                return waiting.message
            self.unmatched += 1

    def _follow(self, stamp_ns: int) -> None:
        """Give up the images that wait if time has jumped back to `stamp_ns`."""
        if stamp_ns < self._newest_ns - JUMP_NS:
            self.unmatched += len(self._images)
            self._images.clear()
            self._newest_ns = stamp_ns
            for partner in self._partners.values():
                partner.follow(stamp_ns)
        self._newest_ns = max(self._newest_ns, stamp_ns)
