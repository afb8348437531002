"""A depth camera's noise from recordings of a flat wall or table.

wall           the plane in a cloud, and the errors of the pixels on it
wall_errors    errors by depth and by distance of pixels, over many clouds
noise_fit      the sensor model that explains them
image_faults   readings lost at edges, and steps of depth
calibration    all of it, from the clouds of a recording
"""
