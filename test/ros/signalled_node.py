"""The stub node, sending itself signals just before the calls named: MODULE.NAME:SIGNAL ..."""

import importlib
import os
import signal
import sys

import stub_node


def signal_before(target, number):
    module_name, *names, last = target.split('.')
    owner = importlib.import_module(module_name)
    for name in names:
        owner = getattr(owner, name)
    original = getattr(owner, last)

    def signalled(*arguments, **named):
        sys.stdout.write(f'signal before {target}\n')
        os.kill(os.getpid(), number)
        return original(*arguments, **named)

    setattr(owner, last, signalled)


for word in sys.argv[1:]:
    target, _, name = word.partition(':')
    signal_before(target, getattr(signal, name))
sys.argv[1:] = []
sys.exit(stub_node.main())
