"""What the core logs goes to the log of the node: /rosout, its file and the console."""

import logging

import rclpy
from rclpy.node import Node

from pointpng_core.text import printable

CORE = 'pointpng_core'


class CoreLog(logging.Handler):
    """Forwards the warnings of the core while the node lives; `close` ends that."""

    def __init__(self, node: Node) -> None:
        super().__init__(logging.WARNING)
        self._node = node
        logging.getLogger(CORE).addHandler(self)

    def emit(self, record: logging.LogRecord) -> None:
        """Log a record with the node's logger, on the same level."""
        if not rclpy.ok():
            return
        logger, text = self._node.get_logger(), record.getMessage()
        if record.levelno >= logging.ERROR:
            logger.error(printable(text))
        else:
            logger.warning(printable(text))

    def close(self) -> None:
        """Forward nothing any more."""
        logging.getLogger(CORE).removeHandler(self)
        super().close()
