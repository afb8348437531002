"""The displays of RViz and Foxglove show what the policy says exists, and nothing else."""

import json
from pathlib import Path
import xml.etree.ElementTree as ElementTree

import pytest
import yaml

CONFIG = Path(__file__).resolve().parents[2] / 'config'
OUTPUTS = {'/' + element.text for element in ElementTree.parse(CONFIG / 'sros2' / 'policy.xml')
           .findall('enclaves/enclave[@path="/pointpng/pose_estimator"]//topics/topic')
           if element.text.startswith('pointpng/')}
CLOUD = '/camera/depth/points'


def rviz_displays(name):
    return yaml.safe_load((CONFIG / name).read_text())['Visualization Manager']['Displays']


def leaves(layout):
    """The panels of a layout, which is a tree of halves."""
    if isinstance(layout, str):
        return [layout]
    return [*leaves(layout['first']), *leaves(layout['second'])]


def strings(value):
    if isinstance(value, dict):
        return [text for key, each in value.items() for text in (key, *strings(each))]
    return [value] if isinstance(value, str) else []


def test_rviz_shows_cloud_and_outputs():
    topics = {display['Topic']['Value'] for display in rviz_displays('pose_estimator.rviz')
              if 'Topic' in display}
    assert {CLOUD, '/pointpng/markers'} <= topics <= OUTPUTS | {CLOUD}


@pytest.mark.parametrize('name', ['pose_estimator.rviz', 'two_cameras.rviz'])
def test_rviz_hears_clouds_of_any_camera_and_all_markers(name):
    for display in rviz_displays(name):
        if display['Class'].endswith('/MarkerArray'):
            assert display['Topic']['Reliability Policy'] == 'Reliable'
        elif 'depth' in display.get('Topic', {}).get('Value', ''):
            assert display['Topic']['Reliability Policy'] == 'Best Effort'


def test_the_two_camera_display_is_the_one_camera_display_twice():
    once = [display['Class'] for display in rviz_displays('pose_estimator.rviz')
            if display['Enabled'] and 'Topic' in display]
    twice = [display['Class'] for display in rviz_displays('two_cameras.rviz')
             if display['Enabled'] and 'Topic' in display]
    assert twice == once + once


def test_foxglove_layout_shows_panels_that_are_configured_and_topics_that_exist():
    layout = json.loads((CONFIG / 'foxglove_layout.json').read_text())
    assert set(leaves(layout['layout'])) == layout['configById'].keys()
    topics = {text for text in strings(layout['configById']) if text.startswith('/')}
    assert {CLOUD, '/pointpng/markers', '/pointpng/pose', '/diagnostics'} <= topics
    assert topics <= OUTPUTS | {CLOUD, '/diagnostics', '/rosout'}
