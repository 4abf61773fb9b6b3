"""What is taken for a picture, and what it becomes."""

import io
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

import siglip
from siglip.pictures import is_picture, iterate_pictures, to_native

Image = pytest.importorskip("PIL.Image")


@pytest.fixture(autouse=True)
def native(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pictures of the library as tuples, to look into."""
    fake = SimpleNamespace(
        Picture=SimpleNamespace(
            file=lambda path, name="": ("file", path, name),
            bytes=lambda data, name="": ("bytes", data, name),
            pixels=lambda pixels, name="": ("pixels", pixels, name),
        )
    )
    monkeypatch.setitem(sys.modules, "siglip._siglip", fake)
    monkeypatch.setattr(siglip, "_siglip", fake, raising=False)


def pixels_of(picture: Any, **options: Any) -> np.ndarray:
    kind, pixels, _ = to_native(picture, "p", **options)
    assert kind == "pixels" and pixels.dtype == np.uint8
    return pixels


def test_paths_and_bytes() -> None:
    assert to_native("a/b.jpg") == ("file", "a/b.jpg", "")
    assert to_native(Path("a/b.jpg")) == ("file", "a/b.jpg", "")
    for data in (b"abc", bytearray(b"abc"), memoryview(b"abc")):
        kind, kept, name = to_native(data, "upload")
        assert (kind, name) == ("bytes", "upload") and kept is data


@pytest.mark.parametrize("url", ["http://a/b.jpg", "HTTPS://a/b.jpg", "data:image/png;base64,AA"])
def test_urls_are_refused(url: str) -> None:
    with pytest.raises(siglip.Unsupported, match="URL") as caught:
        to_native(url)
    assert "bytes" in caught.value.hint


RANDOM = np.random.default_rng(3)


@pytest.mark.parametrize("shape", [(5, 7), (5, 7, 1), (5, 7, 3), (5, 7, 4)])
def test_pixels_are_not_copied(shape: tuple[int, ...]) -> None:
    array = RANDOM.integers(0, 256, shape, np.uint8)
    assert np.shares_memory(pixels_of(array), array)
    assert np.shares_memory(pixels_of(array[1:3]), array)


def test_a_part_of_each_row_is_not_copied() -> None:
    array = RANDOM.integers(0, 256, (5, 7, 3), np.uint8)
    part = array[:, 2:5]
    found = pixels_of(part)
    assert np.shares_memory(found, array) and (found == part).all()


@pytest.mark.parametrize(
    "change", [lambda a: a[::-1], lambda a: a[:, ::-1], lambda a: a[..., ::-1]]
)
def test_what_lies_otherwise_in_memory_is_copied_right(change: Any) -> None:
    array = RANDOM.integers(0, 256, (5, 7, 3), np.uint8)
    found = pixels_of(change(array))
    assert found.flags.c_contiguous and (found == change(array)).all()


def test_channels_first() -> None:
    array = RANDOM.integers(0, 256, (3, 5, 7), np.uint8)
    found = pixels_of(array)
    assert found.shape == (5, 7, 3) and (found == array.transpose(1, 2, 0)).all()
    assert found.flags.c_contiguous
    # Where the shape does not tell, the last axis has the channels, unless it is said.
    both = RANDOM.integers(0, 256, (3, 5, 3), np.uint8)
    assert pixels_of(both).shape == (3, 5, 3)
    assert pixels_of(both, channel_order="channels_first").shape == (5, 3, 3)
    assert pixels_of(both, channel_order="channels_last").shape == (3, 5, 3)


@pytest.mark.parametrize("shape", [(5,), (5, 7, 2), (2, 5, 7), (2, 5, 7, 3)])
def test_other_shapes_are_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(siglip.Mismatch, match="shape"):
        to_native(np.zeros(shape, np.uint8))


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.int64, np.bool_])
def test_other_dtypes_are_refused(dtype: Any) -> None:
    with pytest.raises(siglip.Mismatch, match=f"uint8, found {np.dtype(dtype)}"):
        to_native(np.zeros((5, 7, 3), dtype))


@pytest.mark.parametrize("thing", [None, 3, object(), {"path": "a.jpg"}])
def test_other_things_are_refused(thing: Any) -> None:
    with pytest.raises(siglip.InvalidArgument, match=type(thing).__name__):
        to_native(thing)


COLOURS = Image.fromarray(RANDOM.integers(0, 256, (6, 9, 3), np.uint8))


@pytest.mark.parametrize("mode", ["L", "RGB", "RGBA"])
def test_pil_images_as_they_are(mode: str) -> None:
    image = COLOURS.convert(mode)
    assert (pixels_of(image) == np.asarray(image)).all()


@pytest.mark.parametrize(
    "mode", ["1", "P", "CMYK", "YCbCr", "HSV", "LAB", "I", "F", "I;16", "RGBX"]
)
def test_pil_images_as_pillow_converts_them(mode: str) -> None:
    if mode == "LAB":
        image = Image.frombytes("LAB", (2, 3), bytes(range(18)))
    else:
        grey = mode in ("I", "F", "I;16")
        image = COLOURS.convert("L" if grey else "RGB").convert("I" if grey else mode).convert(mode)
    assert image.mode == mode
    assert (pixels_of(image) == np.asarray(image.convert("RGB"))).all()


@pytest.mark.parametrize("mode", ["LA", "La", "PA", "RGBa"])
def test_pil_images_keep_their_alpha(mode: str) -> None:
    image = COLOURS.convert("RGBA")
    image.putalpha(COLOURS.convert("L"))
    for step in {"LA": ["LA"], "La": ["LA", "La"], "PA": ["LA", "PA"], "RGBa": ["RGBa"]}[mode]:
        image = image.convert(step)
    found = pixels_of(image)
    if mode == "La":
        image = image.convert("LA")
    assert found.shape == (6, 9, 4) and (found == np.asarray(image.convert("RGBA"))).all()


def test_pil_images_with_a_transparent_colour() -> None:
    file = io.BytesIO()
    COLOURS.convert("P").save(file, "PNG", transparency=0)
    image = Image.open(file)
    assert image.mode == "P" and "transparency" in image.info
    assert (pixels_of(image) == np.asarray(image.convert("RGBA"))).all()


def test_exif_orientation_of_pil_images_is_not_applied() -> None:
    file = io.BytesIO()
    exif = Image.Exif()
    exif[0x0112] = 6
    COLOURS.save(file, "JPEG", exif=exif)
    assert pixels_of(Image.open(file)).shape == (6, 9, 3)


def test_a_broken_file_behind_a_pil_image() -> None:
    file = io.BytesIO()
    Image.fromarray(RANDOM.integers(0, 256, (64, 64, 3), np.uint8)).save(file, "PNG")
    image = Image.open(io.BytesIO(file.getvalue()[:2000]))
    with pytest.raises(siglip.MalformedFile, match="picture 3"):
        to_native(image, "picture 3")


def test_torch_tensors() -> None:
    torch = pytest.importorskip("torch")
    tensor = torch.from_numpy(RANDOM.integers(0, 256, (5, 7, 3), np.uint8))
    assert pixels_of(tensor).ctypes.data == tensor.data_ptr()
    with pytest.raises(siglip.Mismatch, match="float32"):
        to_native(torch.zeros(3, 5, 7))
    with pytest.raises(siglip.Unsupported, match="CPU"):
        to_native(torch.zeros(3, 5, 7, dtype=torch.uint8, device="meta"))


def test_load_image_of_transformers(tmp_path: Path) -> None:
    from siglip.image_utils import load_image

    exif = Image.Exif()
    exif[0x0112] = 6
    COLOURS.convert("P").save(tmp_path / "colours.png", exif=exif)
    upright = load_image(str(tmp_path / "colours.png"))
    assert (upright.mode, upright.size) == ("RGB", (6, 9))
    expected = COLOURS.convert("P").convert("RGB").transpose(Image.Transpose.ROTATE_270)
    assert (np.asarray(upright) == np.asarray(expected)).all()
    assert (np.asarray(load_image(Image.open(tmp_path / "colours.png"))) == np.asarray(upright)).all()
    (tmp_path / "broken.jpg").write_bytes(b"no picture")
    with pytest.raises(siglip.MalformedFile, match="broken.jpg"):
        load_image(tmp_path / "broken.jpg")
    with pytest.raises(siglip.NotFound, match="missing.jpg"):
        load_image("missing.jpg")
    with pytest.raises(siglip.Unsupported, match="URL"):
        load_image("https://example.invalid/a.jpg")
    with pytest.raises(siglip.InvalidArgument, match="int"):
        load_image(3)  # type: ignore[arg-type]


def test_one_or_many() -> None:
    one = np.zeros((5, 7, 3), np.uint8)
    for picture in ("a.jpg", Path("a.jpg"), b"", COLOURS, one):
        assert is_picture(picture)
        assert len(list(iterate_pictures(picture))) == 1
    batch = np.zeros((2, 5, 7, 3), np.uint8)
    for pictures in (["a.jpg", b""], batch, ("a", "b"), iter(["a", "b"])):
        assert not is_picture(pictures)
        assert len(list(iterate_pictures(pictures))) == 2
    with pytest.raises(siglip.InvalidArgument, match="int"):
        iterate_pictures(3)  # type: ignore[arg-type]
