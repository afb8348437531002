"""Segmentation judged by labelled recordings."""
