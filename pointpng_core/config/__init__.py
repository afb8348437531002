"""Configurations: declared once for YAML, ROS and the docs, and YAML files that are not trusted.

schema      frozen dataclasses of checked values
yaml_files  YAML within limits, with errors that do not quote the file
"""

from pointpng_core.config.schema import Config, option
from pointpng_core.config.yaml_files import parse_yaml, read_yaml_mapping, read_yaml_text

__all__ = ['Config', 'option', 'parse_yaml', 'read_yaml_mapping', 'read_yaml_text']
