import cv2
import numpy as np
import pytest

from labels.structure_tensor import smaller_eigenvalue


@pytest.mark.parametrize(("height", "width"), [(64, 64), (65, 131), (4, 5), (9, 300)])
def test_it_is_that_of_opencv(height: int, width: int) -> None:
    noise = np.random.default_rng(3).normal(0, 60, (height, width)).astype(np.float32)
    image = cv2.GaussianBlur(noise, (0, 0), 1.0)
    wanted = 0.25 * cv2.cornerMinEigenVal(image, 7, 3)  # whose Sobel is divided by 4 where a derivative takes 8
    np.testing.assert_allclose(smaller_eigenvalue(image), wanted, rtol=1e-4, atol=1e-4 * wanted.max())


def test_known_slopes() -> None:
    y, x = np.mgrid[0:40, 0:50].astype(np.float32)
    inner = np.s_[5:-5, 5:-5]
    np.testing.assert_allclose(smaller_eigenvalue(3 * x)[inner], 0, atol=1e-4)  # an edge alone is no texture
    saddle = (x - 25) * (y - 20)  # gradient (y - 20, x - 25): over 7x7 pixels around its middle the mean square is 4
    assert smaller_eigenvalue(saddle)[20, 25] == pytest.approx(4.0, rel=1e-5)
