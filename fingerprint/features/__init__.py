"""One picture described: keypoints and their words and signatures, global cues, insets, the compact descriptor."""
