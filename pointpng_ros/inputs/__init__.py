"""From a topic, a bag or the keyboard to the node: clouds, topics, playback, key presses."""
