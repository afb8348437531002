"""Reliability of the confidence: labelled cases, calibration, measures and plots."""
