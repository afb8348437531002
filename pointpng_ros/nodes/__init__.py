"""The nodes: pose_estimator, sim_camera, bag_player."""
