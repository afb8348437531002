"""`pointpng evaluate classification --model M --data FILE`: classes from the features of a model.

JSON: {"model": NAME, "svm_accuracy", "probe_accuracy", "finetune_accuracy", "few_shot" (each under
the first of the rotations; null when the protocol was not asked for), "classes": [NAME],
"train_objects", "test_objects", "points", "features" (size), "pooling", "up", "seed",
"protocols": {PROTOCOL: {ROTATIONS: DETAILS}}}. DETAILS of svm: "accuracy", "class_accuracy", "c",
"c_scores" {C: accuracy on the held-out part of the training split; empty when --c was given},
"kernel", "standardised"; of probe and finetune: "accuracy", "class_accuracy", "epochs", "batch",
"lr", "weight_decay", "smoothing"; of few-shot (and "few_shot"): {"5-way 10-shot": {"mean", "std",
"runs": [accuracy], "c"}, ...}. Rotations: upright; z/SO3 (training clouds rotated about the
vertical, test clouds over SO(3)); SO3/SO3.
"""

import argparse
from pathlib import Path
from typing import Any

from pointpng_core.cli.options import (
    add_data,
    add_model,
    load_objects,
    not_negative,
    positive,
    report_progress,
)
from pointpng_core.cli.output import number, table
from pointpng_core.errors import ConfigError

HELP = 'linear SVM, probe, fine-tuning and few-shot on labelled objects'


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    add_model(parser)
    add_data(parser)
    parser.add_argument('--protocol', action='append', default=[],
                        choices=('svm', 'probe', 'finetune', 'few-shot'),
                        help='linear SVM or linear layer on frozen features, training of the '
                             'whole encoder, K-way N-shot; may be repeated (default: svm)')
    parser.add_argument('--rotations', metavar='LIST', default='upright,z/SO3,SO3/SO3',
                        help='of training/test clouds, separated by commas '
                             '(default: upright,z/SO3,SO3/SO3)')
    parser.add_argument('--up', choices=('x', 'y', 'z'), default='z',
                        help='vertical axis of the data (default: z)')
    parser.add_argument('--c', metavar='C', type=not_negative,
                        help='C of the SVM (default: the best of a few on a held-out part of the '
                             'training split)')
    parser.add_argument('--points', metavar='N', type=positive,
                        help='points of a cloud (default: as many as the model takes)')
    parser.add_argument('--epochs', metavar='N', type=positive, help='of probe or finetune')
    parser.add_argument('--batch', metavar='N', type=positive, help='of probe or finetune')
    parser.add_argument('--lr', metavar='RATE', type=not_negative, help='of probe or finetune')
    parser.add_argument('--save', metavar='FOLDER', type=Path,
                        help='keep the encoder with the trained head as a checkpoint; with one '
                             'of probe and finetune, and one of the rotations')


def evaluate(options: argparse.Namespace) -> dict[str, Any]:
    """Measure; raises PointPngError."""
    from pointpng_core.embedding.model_zoo import load_model
    from pointpng_core.evaluation.embedding.classification import (
        ClassificationTask,
        evaluate_classification,
    )
    from pointpng_core.training.point_samples import cloud_points
    for text in options.data:
        if ',split=' in text:
            raise ConfigError(f'--data {text}: classification takes the training and the test '
                              'split of a source; leave split out')
    heads = {name: getattr(options, name) for name in ('epochs', 'batch', 'lr')}
    task = ClassificationTask(
        protocols=tuple(dict.fromkeys(options.protocol)) or ('svm',), up=options.up,
        rotations=tuple(name.strip() for name in options.rotations.split(',')), c=options.c,
        points=options.points, save=options.save, seed=options.seed, device=options.device,
        heads={name: value for name, value in heads.items() if value is not None})
    model = load_model(options.model, options.device)
    points = cloud_points(model.encoder, options.points)
    train, test = (load_objects(options.data, split=split, pool=points, seed=options.seed)
                   for split in ('train', 'test'))
    return evaluate_classification(model, train, test, task=task, report=report_progress)


def readable(result: dict[str, Any]) -> str:
    """Return the table: a row for each protocol and rotation."""
    rows = []
    for protocol, states in result['protocols'].items():
        for rotations, details in states.items():
            if protocol == 'few-shot':
                rows += [[f'{name}, {rotations}', number(runs['mean'], 3), '-',
                          f'+- {number(runs["std"], 3)} over {len(runs["runs"])} runs']
                         for name, runs in details.items()]
            else:
                settings = f'C = {details["c"]:g}' if 'c' in details else (
                    f'{details["epochs"]} epochs')
                rows.append([f'{protocol}, {rotations}', number(details['accuracy'], 3),
                             number(details['class_accuracy'], 3), settings])
    about = (f'{result["train_objects"]} training and {result["test_objects"]} test objects of '
             f'{len(result["classes"])} classes, {result["points"]} points; features: '
             f'{result["pooling"]} ({result["features"]})')
    return '\n'.join([table([result['model'], 'accuracy', 'per class', ''], rows), about])
