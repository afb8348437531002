"""Simulated time: a node without /clock says so, and knows no ages until time comes."""

import math

from harness import wait_repeating
from rosgraph_msgs.msg import Clock
from test_node import Rig, cloud, stub_node, values_of

WARNING = 'use_sim_time is true, but no time has come on /clock'


def age_ms(rig, accept):
    status = rig.status(lambda state: accept(float(values_of(state)['stamp_age_p50_ms'])))
    return float(values_of(status)['stamp_age_p50_ms'])


def test_simulated_time_that_does_not_come_is_a_warning_and_no_age(observer):
    rig = Rig(observer)
    clock = observer.node.create_publisher(Clock, '/clock', 10)
    with stub_node('cloud_reliability:=reliable', 'use_sim_time:=true', 'max_age_s:=5.0') as node:
        rig.connect()
        node.wait_for_output(WARNING, 'play the bag with --clock')
        rig.exchange(cloud(1, stamp=100))
        assert math.isnan(age_ms(rig, math.isnan))
        observer.wait_for_subscriber(clock)
        now = Clock()
        now.clock.sec = 200
        clock.publish(now)

        def refused():
            states = [array.status[0].message for array in rig.diagnostics if array.status]
            return any('more than max_age_s' in message for message in states)

        wait_repeating(lambda: rig.publisher.publish(cloud(1, stamp=101)), refused, every_s=0.5,
                       what='a cloud that is too old')
        assert node.output.count(WARNING) == 1


def test_a_node_that_goes_by_the_computers_clock_has_no_warning(observer):
    rig = Rig(observer)
    with stub_node('cloud_reliability:=reliable') as node:
        rig.connect()
        rig.exchange(cloud(1, stamp=100))
        assert age_ms(rig, lambda age: age > 1e9) > 1e9
        assert WARNING not in node.output
