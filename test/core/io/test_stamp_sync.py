"""Messages put together by stamp: exactly, nearly, or where a partner has none of its own."""

import itertools

from hypothesis import given, settings
from hypothesis import strategies as st
import pytest

from pointpng_core.io.bags.stamp_sync import QUEUE, StampSynchroniser

MS = 1_000_000
TOLERANCE_MS, WAIT_S = 10, 0.1


def synchroniser(*, mask=False):
    partners = {'info': True, 'mask': False} if mask else {'info': True}
    return StampSynchroniser(partners, tolerance_s=TOLERANCE_MS / 1e3, wait_s=WAIT_S)


def matched(found):
    return found and (found.image, *found.partners.values())


class Clock:
    """Feeds a synchroniser with messages that carry their names, at steady times."""

    def __init__(self, **options):
        self.sync = synchroniser(**options)
        self.now_s = 0.0

    def image(self, stamp_ms):
        return matched(self.sync.put_image(stamp_ms * MS, f'image {stamp_ms}', self.now_s))

    def info(self, stamp_ms, name=''):
        return matched(self.sync.put_partner('info', stamp_ms * MS, f'info {stamp_ms}{name}',
                                             self.now_s))

    def mask(self, stamp_ms):
        return matched(self.sync.put_partner('mask', stamp_ms * MS, f'mask {stamp_ms}',
                                             self.now_s))

    def later(self, seconds):
        self.now_s += seconds
        return matched(self.sync.due(self.now_s))


@pytest.mark.parametrize('order', list(itertools.permutations(['image', 'info', 'mask'])))
def test_equal_stamps_belong_together_in_any_order(order):
    clock = Clock(mask=True)
    for stamp_ms in (1000, 1033, 1066):
        *early, last = (getattr(clock, name)(stamp_ms) for name in order)
        assert early == [None, None]
        assert last == (f'image {stamp_ms}', f'info {stamp_ms}', f'mask {stamp_ms}')
    assert clock.sync.unmatched == 0


def test_the_own_info_is_waited_for_although_an_older_one_is_there():
    clock = Clock()
    clock.info(1000)
    assert clock.image(1000)
    assert clock.image(1033) is None
    assert clock.info(1033) == ('image 1033', 'info 1033')


def test_stamps_that_differ_a_little_match_once_no_nearer_one_can_come():
    clock = Clock(mask=True)
    clock.info(1000), clock.image(1000)
    assert clock.mask(996) is None
    assert clock.mask(1003) == ('image 1000', 'info 1000', 'mask 1003')
    clock.info(1100), clock.image(1100)
    assert clock.mask(1095) is None
    assert clock.later(WAIT_S) == ('image 1100', 'info 1100', 'mask 1095')


def test_a_mask_of_another_moment_is_never_taken():
    clock = Clock(mask=True)
    clock.info(1000), clock.mask(1000 - TOLERANCE_MS - 1), clock.mask(1000 + TOLERANCE_MS + 1)
    assert clock.image(1000) is None
    assert clock.later(60.0) is None
    assert clock.mask(1000) == ('image 1000', 'info 1000', 'mask 1000')


def test_a_mask_that_takes_a_second_finds_its_image():
    clock, found = Clock(mask=True), []
    for frame in range(60):
        clock.info(33 * frame + 1), clock.image(33 * frame + 1)
        if frame >= 25:
            found.append(clock.mask(33 * (frame - 25) + 1))
    stamps_ms = [33 * frame + 1 for frame in range(35)]
    assert found == [(f'image {ms}', f'info {ms}', f'mask {ms}') for ms in stamps_ms]


def test_one_latched_info_serves_all_images_and_only_the_first_waits():
    clock = Clock()
    clock.info(5)
    assert clock.image(1000) is None
    assert clock.later(WAIT_S / 2) is None
    assert clock.later(WAIT_S) == ('image 1000', 'info 5')
    assert clock.image(1033) == ('image 1033', 'info 5')
    clock.info(1050)                                     # the slow topic's next
    assert clock.image(1066) == ('image 1066', 'info 1050')
    assert clock.sync.unmatched == 0


def test_infos_that_come_image_by_image_again_are_waited_for_again():
    clock = Clock()
    clock.info(5), clock.image(1000)
    assert clock.later(WAIT_S) == ('image 1000', 'info 5')
    clock.info(1000)                                     # too late, but there are some now
    assert clock.image(1033) is None
    assert clock.info(1033) == ('image 1033', 'info 1033')


def test_stamp_0_belongs_to_every_image_without_waiting():
    clock = Clock(mask=True)
    clock.info(0), clock.mask(0)
    assert clock.image(1000) == ('image 1000', 'info 0', 'mask 0')
    assert clock.image(9000) == ('image 9000', 'info 0', 'mask 0')


def test_without_an_info_images_wait_and_the_oldest_are_given_up():
    clock = Clock()
    for stamp_ms in range(1, QUEUE + 6):
        assert clock.image(stamp_ms) is None
    assert (clock.sync.unmatched, clock.sync.missing) == (5, ['info'])
    assert clock.info(QUEUE + 3) == (f'image {QUEUE + 3}', f'info {QUEUE + 3}')
    assert clock.sync.unmatched == QUEUE + 2
    assert clock.sync.missing == []


@pytest.mark.parametrize('order', [('mask', 'image', 'info'), ('image', 'info', 'mask')])
def test_time_that_jumps_back_is_followed_and_nothing_old_is_used(order):
    clock = Clock(mask=True)
    for _ in range(3):
        for stamp_ms in range(1000, 9000, 500):
            *early, last = (getattr(clock, name)(stamp_ms) for name in order)
            assert early == [None, None]
            assert last == (f'image {stamp_ms}', f'info {stamp_ms}', f'mask {stamp_ms}')


@settings(max_examples=100, deadline=None)
@given(st.lists(st.tuples(st.sampled_from(['image', 'info', 'mask']), st.integers(1, 400),
                          st.floats(0, 0.2)), max_size=80))
def test_whatever_comes_masks_are_of_their_moment_and_images_are_counted_once(events):
    clock, found, images = Clock(mask=True), [], 0
    for kind, stamp_ms, pause_s in events:
        new = kind == 'image' and stamp_ms * MS not in clock.sync._images
        images += new
        found += [getattr(clock, kind)(stamp_ms), clock.later(pause_s)]
    pairs = [[int(word.split()[1]) for word in each] for each in found if each]
    assert all(abs(image_ms - mask_ms) <= TOLERANCE_MS for image_ms, _, mask_ms in pairs)
    assert images == len(pairs) + clock.sync.unmatched + len(clock.sync._images)
