"""The numerics of relative depth: pure functions on arrays. No files, no Luigi, no torch.

Conventions, held everywhere in this package and in the sample format (LABELS section 1):

- Images are C-ordered ``uint8`` arrays, ``(H, W)`` grey or ``(H, W, 3)`` RGB, index ``[row, column]``; x = column,
  to the right, y = row, downwards; integer coordinates lie at pixel centres.
- The principal point, where unknown, is ``((W - 1) / 2, (H - 1) / 2)``. Geometry uses pixels relative to it.
- The camera frame has X right, Y down, Z forward. ``focal`` is the focal length in pixels of the image at hand.
- Flow is ``(H, W, 2)`` ``float32``, channel 0 = u to the right, channel 1 = v downwards: the displacement in pixels of
  a point of frame 1 to frame 2.
- Between frame 1 and frame 2 the camera moves by translation ``T = (U, V, W)``, the position of camera 2 in the frame
  of camera 1, and rotation ``R = exp([w]x)``, the orientation of camera 2 in the frame of camera 1:
  ``X2 = R.T @ (X1 - T)``. ``w = (A, B, C)``: A > 0 tilts the camera up, B > 0 pans it right, C > 0 rolls it clockwise
  as seen from behind. ``W > 0`` is forward motion. Image pairs give ``T`` up to scale: it has unit length.
- The focus of expansion (FOE) is ``(f U / W, f V / W)`` relative to the principal point.
- The translational flow ``t`` is what remains of the flow when the rotation is removed from its end points:
  ``t = proj(K R K^-1 q) - p`` for a pixel p with end point q. For every static point it is exactly parallel to
  ``tau = (-f U + x W, -f V + y W)`` and ``|tau| / |t| = Z - W`` (Eq. 3 on finite motion, LABELS 1.2).
- The label is the depth percentile z in (0, 1): 0 near, 1 far, over the valid pixels of a frame.
"""

from pathlib import Path

from labels.kernel_cache import forget_stale_kernels

# the cache is read at the first call of a kernel, not at its definition
forget_stale_kernels(Path(__file__).parent)
