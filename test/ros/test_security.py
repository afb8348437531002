"""The SROS 2 policy against the graph: what real nodes have is allowed, and nothing else is."""

from contextlib import suppress
from fnmatch import fnmatchcase
import os
from pathlib import Path
import xml.etree.ElementTree as ElementTree

from harness import RosProcess, wait_until
from helpers import bags, depth_bags
import pytest

FOLDER = Path(__file__).resolve().parents[2] / 'config' / 'sros2'
INCLUDE = '{http://www.w3.org/2001/XInclude}include'
# Only where a full ROS 2 is installed and the parameters ask for it.
FULL_ROS = {'/pointpng/detections', '/tf', '/tf_static'}
CLOUD = {'/camera/depth/points'}
DEPTH = {'/camera/depth/image_raw', '/camera/depth/camera_info'}
NODES = {
    'pose_estimator': ('test/ros/stub_node.py',),
    'sim_camera': ('-m', 'pointpng_ros.nodes.sim_camera'),
    'bag_player': ('-m', 'pointpng_ros.nodes.bag_player', '--start-paused'),
}
AS_CLOUDS = {'bag_player': ('--as', '/camera/depth/points')}
WITH_DEPTH = {'pose_estimator': ('-p', 'input:=depth'),
              'sim_camera': ('-p', 'publish_depth:=16UC1')}


def profile(name):
    root = ElementTree.parse(FOLDER / 'policy.xml').getroot()
    assert root.get('version') == '0.2.0'
    (found,) = root.findall(f'enclaves/enclave[@path="/pointpng/{name}"]/profiles/profile')
    assert found.get('node') == name
    return found


def rules(found):
    """The rules of a profile, included ones in their place."""
    for rule in found:
        if rule.tag == INCLUDE:
            assert rule.get('xpointer') == 'xpointer(/profile/*)'
            yield from ElementTree.parse(FOLDER / rule.get('href')).getroot()
        else:
            yield rule


def allowed(name, what):
    """The full names that the node may, as with `what` = publish, subscribe, reply, request."""
    found = profile(name)
    space, node = found.get('ns'), found.get('node')
    names = [element.text for rule in rules(found) if rule.get(what) == 'ALLOW'
             for element in rule]
    return {text if text.startswith('/') else text.replace('~', f'{space}{node}', 1)
            if text.startswith('~') else f'{space}{text}' for text in names}


def used(observer, name):
    """What the graph says about a running node, in the words of the policy."""
    node = observer.node
    asked = {'publish': node.get_publisher_names_and_types_by_node,
             'subscribe': node.get_subscriber_names_and_types_by_node,
             'reply': node.get_service_names_and_types_by_node}
    return {what: {topic for topic, _ in ask(name, '/')} for what, ask in asked.items()}


def node_found(observer, name):
    return (name, '/') in observer.node.get_node_names_and_namespaces()


def differences(observer, name, other):
    """Words of the policy to what it lacks and what it has for nothing; empty when all agree.

    `other` are the topics of the input that the node does not use.
    """
    found = used(observer, name)
    pairs = {what: (found[what] - (allowed(name, what) - other),
                    allowed(name, what) - found[what] - FULL_ROS - other) for what in found}
    return {what: pair for what, pair in pairs.items() if any(pair)}


def bag_of(folder, depth):
    return str(depth_bags.write_depth_bag(folder, count=1) if depth
               else bags.write_bag(folder, 'mcap', count=1)[0])


@pytest.mark.parametrize(('name', 'depth', 'other'), [
    ('pose_estimator', False, DEPTH), ('pose_estimator', True, CLOUD),
    ('sim_camera', False, DEPTH), ('sim_camera', True, set()),
    ('bag_player', False, DEPTH), ('bag_player', True, CLOUD)])
def test_a_node_may_do_what_it_does_and_no_more(name, depth, other, observer, tmp_path):
    words = NODES[name] if depth else (*NODES[name], *AS_CLOUDS.get(name, ()))
    if name == 'bag_player':
        words = (*words, bag_of(tmp_path, depth))
    given = WITH_DEPTH.get(name, ()) if depth else ()
    with RosProcess(*words, '--ros-args', '-p', 'use_sim_time:=true', *given):
        wait_until(lambda: node_found(observer, name), what=f'node {name}')
        with suppress(AssertionError):        # what is missing is reported below
            wait_until(lambda: not differences(observer, name, other), what='discovery',
                       timeout_s=30.0)
        assert differences(observer, name, other) == {}, (
            'words: (policy lacks, policy has for nothing)')


def sockets(pid):
    """Yield (protocol, local address in hex, port) of what a process has open."""
    links = [os.readlink(link) for link in Path(f'/proc/{pid}/fd').iterdir() if link.is_symlink()]
    own = {link[8:-1] for link in links if link.startswith('socket:[')}
    for protocol in ('tcp', 'tcp6', 'udp', 'udp6'):
        for line in Path(f'/proc/{pid}/net/{protocol}').read_text().splitlines()[1:]:
            words = line.split()
            if words[9] in own:
                address, port = words[1].split(':')
                yield protocol, address, int(port, 16)


def dds_ports(domain):
    """The range of UDP ports where DDS receives in a domain (RTPS 2.2, 9.6.1)."""
    return range(7400 + 250 * domain, 7400 + 250 * (domain + 1))


def test_nothing_listens_but_dds_and_in_the_demo_on_loopback_only(observer, domain):
    profile = str(FOLDER.parent / 'fastdds_loopback.xml')
    with RosProcess(NODES['pose_estimator'][0], FASTRTPS_DEFAULT_PROFILES_FILE=profile) as node:
        node.wait_for_output('listening on')
        wait_until(lambda: node_found(observer, 'pose_estimator'), what='discovery on loopback')
        found = list(sockets(node.pid))
    receiving = [address for _, address, port in found if port in dds_ports(domain)]
    assert receiving
    assert set(receiving) == {'0100007F'}
    assert {protocol for protocol, *_ in found} == {'udp'}


def test_outputs_may_be_read_and_services_called():
    for reader in ('subscriber', 'operator'):
        readable = allowed(reader, 'subscribe')
        for topic in allowed('pose_estimator', 'publish'):
            assert any(fnmatchcase(topic, pattern) for pattern in readable) == (
                topic.startswith('/pointpng/') or topic in readable), topic
    callable_ = allowed('operator', 'request')
    services = allowed('pose_estimator', 'reply') | allowed('bag_player', 'reply')
    assert all(any(fnmatchcase(service, pattern) for pattern in callable_)
               for service in services)
    assert not allowed('subscriber', 'request')
