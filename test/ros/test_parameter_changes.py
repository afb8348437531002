"""Parameters of a running node: a whole file is one change, and types stay as declared."""

from harness import wait_until
import pytest
from rcl_interfaces.msg import ParameterType
from rcl_interfaces.srv import DescribeParameters, GetParameters, ListParameters, SetParameters
from test_node import Rig, stub_node
from test_node_control import change, parameter

NODE = '/pose_estimator'
REPLACED = 'model or library replaced'


def get(observer, *names):
    answer = observer.call(GetParameters, f'{NODE}/get_parameters',
                           GetParameters.Request(names=list(names)))
    return dict(zip(names, answer.values))


def load(observer, *parameters):
    """Send parameters as `ros2 param load` does; returns what was refused, by name."""
    answer = observer.call(SetParameters, f'{NODE}/set_parameters',
                           SetParameters.Request(parameters=list(parameters)))
    assert len(answer.results) == len(parameters)
    return {sent.name: result.reason for sent, result in zip(parameters, answer.results)
            if not result.successful}


def dump(observer):
    """Return all parameters with their values, as `ros2 param dump` does."""
    listed = observer.call(ListParameters, f'{NODE}/list_parameters')
    values = get(observer, *listed.result.names)
    messages = [parameter(name, '') for name in values]
    for message in messages:
        message.value = values[message.name]
    return messages


def test_the_nodes_own_dump_is_loaded_without_a_word_or_a_rebuild(observer):
    with stub_node('objects:=folder_1') as node:
        node.wait_for_output('listening on')
        everything = dump(observer)
        assert len(everything) > 30
        assert load(observer, *everything) == {}
        assert change(Rig(observer), objects='folder_1').successful
        assert change(Rig(observer), max_points=99).successful
        assert dump(observer) != everything
        assert REPLACED not in node.output


def test_a_file_with_many_changes_replaces_model_and_library_once(observer):
    with stub_node('objects:=folder_1') as node:
        node.wait_for_output('listening on')
        values = {'objects': 'folder_2', 'model': 'other', 'device': 'cuda', 'max_points': 99,
                  'pipeline.min_score': 0.25, 'cloud_topic': '/elsewhere', 'no.such': 1}
        refused = load(observer, *[parameter(*value) for value in values.items()])
        assert set(refused) == {'cloud_topic', 'no.such'}
        assert 'read-only' in refused['cloud_topic']
        wait_until(lambda: REPLACED in node.output, what=REPLACED)
        assert load(observer, parameter('objects', 'folder_2'), parameter('max_points', 98)) == {}
        now = get(observer, 'objects', 'model', 'max_points', 'cloud_topic')
        assert [now['objects'].string_value, now['model'].string_value] == ['folder_2', 'other']
        assert now['max_points'].integer_value == 98
        assert node.output.count(REPLACED) == 1


def test_one_refused_value_does_not_keep_the_others_of_a_file_out(observer):
    with stub_node('objects:=folder_1') as node:
        node.wait_for_output('listening on')
        refused = load(observer, parameter('objects', 'broken'), parameter('max_points', 99),
                       parameter('pipeline.min_score', 7.0))
        assert set(refused) == {'objects', 'pipeline.min_score'}
        assert 'mug.ply is truncated' in refused['objects']
        now = get(observer, 'objects', 'max_points', 'pipeline.min_score')
        assert now['objects'].string_value == 'folder_1'
        assert now['max_points'].integer_value == 99
        assert now['pipeline.min_score'].double_value == 0.5


@pytest.mark.parametrize('given', ['max_rate_hz:=3', 'max_rate_hz:=3.0'])
def test_a_double_stays_a_double_whatever_is_given(observer, given):
    with stub_node(given) as node:
        node.wait_for_output('listening on')
        described = observer.call(
            DescribeParameters, f'{NODE}/describe_parameters',
            DescribeParameters.Request(names=['max_rate_hz', 'max_points']))
        assert not any(descriptor.dynamic_typing for descriptor in described.descriptors)
        for value in (3, 2, 4.5):
            if value != 3:
                assert load(observer, parameter('max_rate_hz', value)) == {}
            now = get(observer, 'max_rate_hz')['max_rate_hz']
            assert (now.type, now.double_value) == (ParameterType.PARAMETER_DOUBLE, value)
        assert change(Rig(observer), max_rate_hz=5).successful
        assert get(observer, 'max_rate_hz')['max_rate_hz'].double_value == 5.0
        for wrong in ('fast', True, -1):
            assert 'max_rate_hz' in load(observer, parameter('max_rate_hz', wrong))
        assert 'max_points' in load(observer, parameter('max_points', 2.0))
