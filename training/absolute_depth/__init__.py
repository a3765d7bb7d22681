"""Metres for every pixel, from sparse depth: what the paper fine-tunes on KITTI's Eigen split (Table 4)."""
