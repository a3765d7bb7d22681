"""Networks that give every pixel of a frame its depth percentile: a backbone, and a head over its features.

Every network takes images (N, 3, H, W), RGB, ``float`` in [0, 1], of any size its padding takes, and gives (N, H, W)
``float32``: 0 near ... 1 far; or, with several ``outputs`` such as scores of classes, (N, C, H, W). It
normalises the colours itself, as the weights it may start from expect.
"""
