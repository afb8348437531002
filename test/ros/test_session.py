"""The session behind the node: references of each mode, and their replacement while it runs."""

import threading
from types import SimpleNamespace

import numpy as np
import pytest
from stub_node import StubPipeline

from pointpng_core.errors import CloudError
from pointpng_ros.processing.session import PoseSession, Setting

POINTS = np.array([[0.5, 0, 1], [1.5, 0, 1]], np.float32)
NOTHING = np.array([[-1, 0, 1]], np.float32)


def session_of(make_pipeline=StubPipeline, library=None, mode=None, **options):
    return PoseSession(Setting.of(make_pipeline, library, mode), **options)


def test_without_a_library_the_first_cloud_with_objects_gives_the_references():
    session = session_of()
    assert session.process(NOTHING).detections == ()
    assert session.reference_names == []
    assert len(session.process(POINTS).detections) == 2
    assert session.reference_names == ['object_0', 'object_1']
    session.process(POINTS + np.float32([5, 0, 0]))
    assert session.reference_names == ['object_0', 'object_1']
    with pytest.raises(CloudError, match='no object found'):
        session.set_reference(NOTHING)
    assert session.set_reference(POINTS[:1]) == 'references: object_0'
    session.reset()
    assert session.reference_names == []


def test_an_empty_library_never_takes_references_from_a_cloud():
    session = session_of(library=[])
    assert session.process(POINTS).detections == ()
    assert session.reference_names == []


def test_all_work_happens_in_the_inference_context():
    log = []

    class Context:
        def __enter__(self):
            log.append('in')

        def __exit__(self, *_):
            log.append('out')

    session = session_of(inference=Context)
    session.process(POINTS)
    session.set_reference(POINTS)
    assert log == ['in', 'out'] * 2


def test_changed_parameters_keep_the_references():
    session = session_of()
    session.process(POINTS)
    session.rebuild(lambda references: StubPipeline(references, min_score=0.9))
    assert session.reference_names == ['object_0', 'object_1']
    assert session.process(POINTS).detections == ()


@pytest.mark.parametrize(('between', 'followed'), [
    (lambda session: None, 2),
    (lambda session: session.rebuild(StubPipeline), 2),       # other thresholds, same objects
    (lambda session: session.reset(), 0),
    (lambda session: session.process(POINTS, frame='other camera'), 0),
])
def test_tracks_last_as_long_as_their_references(between, followed):
    library = [SimpleNamespace(name='object_0'), SimpleNamespace(name='object_1')]
    session = session_of(library=library)
    assert session.process(POINTS, frame='camera').tracked == 0
    assert session.process(POINTS, frame='camera').tracked == 2
    between(session)
    assert session.process(POINTS, frame='camera').tracked == followed


def named(*numbers):
    return [SimpleNamespace(name=f'object_{number}') for number in numbers]


def swap(session, library=None, mode=None):
    session.swap(session.prepared(Setting.of(StubPipeline, library, mode)))


def test_another_library_keeps_tracks_of_the_same_name():
    session = session_of(library=named(0, 1))
    session.process(POINTS)
    swap(session, named(1, 2))
    assert session.reference_names == ['object_1', 'object_2']
    result = session.process(POINTS)
    assert [found.label for found in result.detections] == ['object_1']
    assert result.tracked == 1


def test_another_model_makes_references_from_the_same_cloud_again():
    session = session_of()
    session.process(POINTS)
    session.process(POINTS[:1])
    swap(session)
    assert session.reference_names == ['object_0', 'object_1']
    assert session.process(POINTS).tracked == 2


def test_from_a_reference_cloud_to_a_library_and_back():
    session = session_of()
    session.process(POINTS)
    swap(session, named(1))
    assert session.reference_names == ['object_1']
    swap(session)
    assert session.needs_reference
    session.process(POINTS[:1])
    assert session.reference_names == ['object_0']


def test_parameters_changed_after_a_swap_keep_it():
    session = session_of(library=named(0))
    swap(session, named(1))
    session.rebuild(lambda references: StubPipeline(references, min_score=0.9))
    assert session.process(POINTS).detections == ()
    assert session.reference_names == ['object_1']


def test_a_swap_waits_for_the_cloud_in_work_and_a_rebuild_does_not():
    working, release, order = threading.Event(), threading.Event(), []

    class Blocked(StubPipeline):
        def process(self, cloud, stamp_s=None):
            working.set()
            assert release.wait(20)
            order.append('processed')
            return super().process(cloud)

    session = session_of(Blocked, library=named(0))
    worker = threading.Thread(target=session.process, args=(POINTS,))
    worker.start()
    assert working.wait(20)
    session.rebuild(Blocked)
    swapper = threading.Thread(target=lambda: (swap(session, named(1)), order.append('swapped')))
    swapper.start()
    release.set()
    for thread in (worker, swapper):
        thread.join(20)
    assert order == ['processed', 'swapped']


def test_cameras_have_tracks_of_their_own():
    session = session_of(library=named(0, 1), cameras=2)
    assert session.process(POINTS, frame='left').tracked == 0
    assert session.process(POINTS, frame='right', camera=1).tracked == 0
    assert session.process(POINTS, frame='right', camera=1).tracked == 2
    session.process(POINTS, frame='other', camera=0)
    assert session.process(POINTS, frame='right', camera=1).tracked == 2
    session.reset()
    assert session.process(POINTS, frame='right', camera=1).tracked == 0


def test_previous_frames_are_each_cameras_own():
    session = session_of(mode='previous_frame', cameras=2)

    def found(**options):
        result = session.process(POINTS, **options)
        session.finish(result, camera=options.get('camera', 0))
        return len(result.detections)

    assert [found(), found(camera=1), found()] == [0, 0, 2]
    assert found(frame='another') == 0
    assert found(camera=1) == 2
    with pytest.raises(CloudError, match='every cloud is the reference'):
        session.set_reference(POINTS)


def test_references_of_a_topic_stay_when_tracks_are_cleared():
    session = session_of(mode='topic')
    assert session.process(POINTS).detections == ()
    assert session.take_references(POINTS) == 'references: object_0, object_1'
    assert session.reset() == 'tracks cleared, references kept: object_0, object_1'
    assert len(session.process(POINTS).detections) == 2


def test_stamps_reach_the_pipeline():
    stamps = []

    class Stamped(StubPipeline):
        def process(self, cloud, stamp_s=None):
            stamps.append(stamp_s)
            return super().process(cloud)

    session = session_of(Stamped)
    session.process(POINTS, stamp_s=12.5)
    session.process(POINTS)
    assert stamps == [12.5, None]
