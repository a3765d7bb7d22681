"""Fine-tuning for semantic segmentation: datasets of labelled images, and the task.

``layouts`` finds the images of Cityscapes, CamVid and KITTI where their owners put them, ``images`` reads them,
``loader`` makes batches of crops, ``objective`` compares, ``task`` is what the engine trains.
"""
