"""Package metadata: here and not in pyproject.toml, for ament_python and colcon read it here."""

from glob import glob
from pathlib import Path

from setuptools import find_packages, setup

NAME = 'pointpng_ros'
SHARE = f'share/{NAME}'

EXTRAS = {
    # The real rclpy over Fast DDS from PyPI, for machines without a ROS installation. Message
    # packages are pinned to Jazzy's: unpinned ones are of a later distribution.
    'ros': [
        'ros-jazzy-rclpy[fastrtps]',
        'ros-jazzy-sensor-msgs',
        'ros-geometry-msgs~=5.3.6',
        'ros-diagnostic-msgs~=5.3.6',
        'ros-visualization-msgs~=5.3.6',
        'ros-std-msgs~=5.3.6',
        'ros-std-srvs~=5.3.6',
    ],
    'demo': ['matplotlib>=3.8', 'rich>=13'],
    # TensorBoard is used as well where it is installed.
    'train': ['h5py>=3.10', 'matplotlib>=3.8', 'rich>=13', 'scikit-learn>=1.3'],
    # `pointpng frames --parquet` and `--ray`.
    'parquet': ['pyarrow>=15'],
    'cluster': ['ray>=2.40'],
    # The baseline PPF of `pointpng evaluate bop`.
    'bench': ['opencv-contrib-python-headless>=4.10'],
    # Scenes of objects dropped by physics.
    'sim': ['coacd>=1.0.5', 'mujoco>=3.3'],
    # By this name `colcon test` knows that pytest runs the tests; without it, it runs none.
    'test': ['hypothesis>=6', 'pytest>=7,<9', 'pytest-timeout>=2', 'pytest-xdist>=3',
             'threadpoolctl>=3'],
    # The site of `make docs`: pages, and the API read from the sources without importing them.
    'docs': ['mkdocs-material>=9.5', 'mkdocstrings[python]>=0.27'],
    'dev': [
        f'{NAME}[sim]',
        f'{NAME}[test]',
        'e3nn>=0.5',
        'mypy>=1.10',
        'ruff>=0.5',
        'types-PyYAML',
    ],
}

setup(
    name=NAME,
    version='0.1.0',
    description='Relative 6-DoF poses from point clouds: a core without ROS, and a ROS 2 node',
    long_description=Path(__file__).resolve().with_name('README.md').read_text(encoding='utf-8'),
    long_description_content_type='text/markdown',
    author='pointpng_ros maintainers',
    maintainer='pointpng_ros maintainers',
    maintainer_email='maintainers@example.org',
    license='Apache-2.0',
    keywords=['ROS', 'point cloud', 'pose estimation', 'registration'],
    classifiers=[
        'Intended Audience :: Science/Research',
        'Operating System :: POSIX :: Linux',
        'Programming Language :: Python :: 3',
        'Topic :: Scientific/Engineering',
    ],
    python_requires='>=3.10',
    packages=find_packages(include=['pointpng_core', 'pointpng_core.*',
                                    'pointpng_ros', 'pointpng_ros.*']),
    # One folder per model that loads by name.
    package_data={'pointpng_core': ['weights/*/*', 'estimation/confidence/*.json',
                                    'simulation/piles.json']},
    install_requires=[
        'mapbox_earcut>=1.0',
        'numpy>=1.26',
        'open3d>=0.19',
        'pillow>=10',
        'PyYAML>=6',
        'roma>=1.5',
        # Older ones read lists of messages without comparing their lengths with the data.
        'rosbags>=0.11.9',
        'safetensors>=0.4',
        'scipy>=1.11',
        'setuptools',
        'small_gicp>=1',
        'torch>=2.4',
        'trimesh>=4.6',
    ],
    extras_require=EXTRAS,
    data_files=[
        ('share/ament_index/resource_index/packages', [f'resource/{NAME}']),
        (SHARE, ['package.xml']),
        (f'{SHARE}/launch', glob('launch/*.launch.py')),
        (f'{SHARE}/config', glob('config/*.*')),
        (f'{SHARE}/config/sros2', glob('config/sros2/*')),
        # `ros2 run` looks here, where pip puts no entry points: see scripts/.
        (f'lib/{NAME}', glob('scripts/*')),
    ],
    entry_points={
        'console_scripts': [
            'pointpng = pointpng_ros.cli:main',
            'pose_estimator = pointpng_ros.nodes.pose_estimator:main',
            'sim_camera = pointpng_ros.nodes.sim_camera:main',
            'play = pointpng_ros.nodes.bag_player:main',
            'train = pointpng_core.cli.train:main',
            'demo = pointpng_ros.demo.main:main',
        ],
    },
    zip_safe=False,
)
