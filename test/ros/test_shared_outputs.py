"""Two nodes of different names that publish the same topics are told of each other."""

from test_node import stub_node


def test_a_node_of_another_name_on_the_same_topics_is_named(domain):
    with stub_node() as first:
        first.wait_for_output('listening')
        with stub_node('diagnostics_period_s:=0.2', arguments=('--ros-args', '-r',
                                                               '__node:=other', '--')) as second:
            first.wait_for_output('/other publishes on /pointpng/pose too')
            second.wait_for_output('/pose_estimator publishes on /pointpng/pose too')
