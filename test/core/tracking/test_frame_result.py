"""States of objects over frames: tracking, lost with the index kept, searching."""

from helpers.tracking import shoot, standing

from pointpng_core.tracking.frame_result import ObjectState


def states_of(pipeline, objects, seed=0):
    result = pipeline.process(shoot(objects, seed))
    return {state.name: state for state in result.states}


def test_an_object_is_searched_tracked_lost_and_searched_again(make_pipeline):
    pipeline = make_pipeline('can', 'drill', max_missed=2)
    can = standing('can', -0.2, 0.0)
    drill = ObjectState(label='drill', index=None, state='searching')
    assert states_of(pipeline, []) == {
        'can': ObjectState(label='can', index=None, state='searching'), 'drill': drill}
    for seed in (1, 2):
        states = states_of(pipeline, [can], seed)
        assert list(states) == ['can_0', 'drill']
        assert (states['can_0'].state, states['can_0'].age) == ('tracking', seed)
        assert states['can_0'].confidence > 0.5
        assert states['drill'] == drill
    confidence = states['can_0'].confidence
    for missed in (1, 2):
        state = states_of(pipeline, [])['can_0']
        assert (state.state, state.missed, state.confidence) == ('lost', missed, confidence)
    assert states_of(pipeline, [])['can'].state == 'searching'


def test_the_second_of_two_keeps_its_index_while_the_first_is_lost(make_pipeline):
    pipeline = make_pipeline('can')
    objects = [standing('can', -0.2, 0.0), standing('can', 0.2, 0.0)]
    assert {state.state for state in states_of(pipeline, objects).values()} == {'tracking'}
    states = states_of(pipeline, objects[:1], 1)
    assert sorted(state.state for state in states.values()) == ['lost', 'tracking']
    again = states_of(pipeline, objects, 2)
    assert sorted(again) == ['can_0', 'can_1']
    assert {state.age for state in again.values()} == {2, 3}


def test_an_object_that_jumps_is_found_by_a_search_and_keeps_its_track(make_pipeline):
    pipeline = make_pipeline('drill')
    states_of(pipeline, [standing('drill', 0.0, 0.0)])
    jumped = pipeline.process(shoot([standing('drill', 0.25, 0.1, 150)], 1))
    assert (jumped.searched, jumped.tracked) == (1, 0)
    (state,) = jumped.states
    assert (state.name, state.state, state.age) == ('drill_0', 'tracking', 2)
