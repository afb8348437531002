"""Workers for the tests of pools: what they do stands in the name of the recording."""

import os
from pathlib import Path
import signal
import time

from pointpng_core.errors import LibraryError
from pointpng_core.evaluation.recordings.bag_list import Recording
from pointpng_core.evaluation.recordings.tasks import Task, failure


class StubWorker:
    """`die` is killed in the middle, `leave` exits, `wait` never ends, the rest is done."""

    def process(self, task, progress):
        progress(0, 2)
        name = task.recording.name
        if name.startswith('die'):
            os.kill(os.getpid(), signal.SIGKILL)
        if name.startswith('leave'):
            os._exit(7)
        while name.startswith('wait'):
            task.target.write_text(str(os.getpid()))
            time.sleep(0.3)
            progress(1, 2)
        threads = os.environ.get('OMP_NUM_THREADS')
        return {**failure(None), 'frames': 2, 'pid': os.getpid(), 'threads': threads}


def unusable():
    raise LibraryError('the library is another one here')


def make_tasks(names, folder=Path('/nowhere')):
    return [Task(recording=Recording(path=folder / name, name=name), target=folder / name)
            for name in names]


class Silent:
    """Events that nobody sees, but that are counted."""

    def __init__(self):
        self.plan, self.begun, self.seen, self.ended = None, [], [], []

    def planned(self, tasks, kept):
        self.plan = tasks, kept

    def started(self, task):
        self.begun.append(task.recording.name)

    def progress(self, task, done, total):
        self.seen.append((task.recording.name, done, total))

    def finished(self, task, summary):
        self.ended.append((task.recording.name, summary))
