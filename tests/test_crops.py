import numpy as np
import pytest

from sr_bench.imaging.crops import middle, modcrop


def test_the_middle_of_a_large_image(picture):
    image = picture(500, 701, 3)
    assert np.array_equal(middle(image, 480), image[10:490, 110:590])
    small = picture(480, 30)
    assert np.array_equal(middle(small, 480), small)
    assert middle(picture(30, 481), 480).shape == (30, 480)


def test_the_middle_keeps_dtype_and_planes():
    lr = np.arange(7 * 9 * 2, dtype=np.float32).reshape(7, 9, 2)
    part = middle(lr, 4)
    assert part.dtype == np.float32
    assert np.array_equal(part, lr[1:5, 2:6])


def test_modcrop_cuts_at_the_bottom_and_right(picture):
    image = picture(13, 11, 3)
    assert np.array_equal(modcrop(image, 4), image[:12, :8])
    with pytest.raises(ValueError, match=r"image is \(13, 11\), smaller than 12"):
        modcrop(image, 12)
