"""The demo: camera and node as processes over DDS, a live table, a score and a picture."""
