"""The easy level, with the demo model."""

import json
import pickle
import shutil
import threading
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from conftest import DEMO, GOLDEN, assert_rows_equal, read_safetensors

import siglip
from siglip import _siglip

EVALUATION = GOLDEN / "demo-model-eval"


@pytest.fixture(scope="module")
def model() -> siglip.Model:
    return siglip.load(DEMO, threads=2)


def evaluation_files() -> list[str]:
    labels = json.loads((EVALUATION / "labels.json").read_text())
    return [str(EVALUATION / entry["file"]) for entry in labels]


def test_pictures_and_texts_as_the_reference_embeds_them() -> None:
    expected = read_safetensors(EVALUATION / "expected.safetensors")
    prompts = json.loads((EVALUATION / "prompts.json").read_text())
    with siglip.load(DEMO, preprocess="pillow13") as model:  # what computed the expected values
        images = model.encode_image(evaluation_files())
        texts = model.encode_text(prompts)
        assert_rows_equal(images, expected["image_embeds"])
        assert_rows_equal(texts, expected["text_embeds"])
        assert images.dtype == texts.dtype == np.float32
        assert (model.logits(images, texts).argmax(1) == expected["predicted"]).all()
        names = model.classify(evaluation_files()[:20], prompts, template="{}", top_k=1)
        assert [prompts.index(found[0]["label"]) for found in names] == list(
            expected["predicted"][:20]
        )


def test_one_and_many(model: siglip.Model, pictures: list[str]) -> None:
    rows = model.encode_image(pictures)
    assert rows.shape == (6, 128) == (6, model.dim)
    assert (model.encode_image(pictures[2]) == rows[2]).all()
    assert (model.encode_image(iter(pictures)) == rows).all()
    assert (model.encode_image(tuple(pictures[::-1]), in_flight=1) == rows[::-1]).all()
    assert model.encode_image([]).shape == (0, 128)
    assert model.encode_image(iter([])).shape == (0, 128)
    words = ["a red ring", "a blue star"]
    texts = model.encode_text(words)
    assert texts.shape == (2, 128)
    assert (model.encode_text(words[1]) == texts[1]).all()
    assert (model.encode_text(iter(words)) == texts).all()
    assert model.encode_text([]).shape == (0, 128)


def test_a_picture_has_the_same_bits_in_whatever_it_comes(
    model: siglip.Model, pictures: list[str]
) -> None:
    image = pytest.importorskip("PIL.Image")
    expected = model.encode_image(pictures[0])
    data = Path(pictures[0]).read_bytes()
    opened = image.open(pictures[0])
    array = np.asarray(opened.convert("RGB"))
    sources: list[Any] = [
        Path(pictures[0]), data, bytearray(data), memoryview(data), memoryview(data).cast("b"), opened, array,
        array.transpose(2, 0, 1),
    ]  # fmt: skip
    for source, row in zip(sources, model.encode_image(sources), strict=True):
        assert (row == expected).all(), type(source)
    assert (model.encode_image(np.stack([array, array])) == expected).all()


def test_normalize_and_tokens(model: siglip.Model, pictures: list[str]) -> None:
    rows = model.encode_image(pictures[:2])
    norms = np.linalg.norm(rows, axis=1, keepdims=True)
    np.testing.assert_allclose(
        model.encode_image(pictures[:2], normalize=True), rows / norms, rtol=1e-5, atol=1e-7
    )
    assert model.encode_image(pictures[:2], tokens=True).shape == (2, 64, 128)
    assert model.encode_image(pictures[0], tokens=True).shape == (64, 128)
    text = model.encode_text("a star", normalize=True)
    assert abs(np.linalg.norm(text) - 1) < 1e-5


def test_out(model: siglip.Model, pictures: list[str]) -> None:
    expected = model.encode_image(pictures)
    out = np.zeros((8, 128), np.float32)
    part = out[1:7]
    assert model.encode_image(pictures, out=part) is part
    assert (part == expected).all() and not out[[0, 7]].any()
    row = np.zeros(128, np.float32)
    assert model.encode_image(pictures[0], out=row) is row
    assert (row == expected[0]).all()
    texts = np.zeros((1, 128), np.float32)
    assert model.encode_text(["a star"], out=texts) is texts
    assert (texts[0] == model.encode_text("a star")).all()
    with pytest.raises(siglip.Mismatch, match=r"\[6, 128\]"):
        model.encode_image(pictures, out=out)
    with pytest.raises(siglip.InvalidArgument, match="known"):
        model.encode_image(iter(pictures), out=part)


BROKEN: list[Any] = [b"no picture", "missing.jpg", np.zeros((4, 4, 3), np.float32), None,
                     "http://example.invalid/a.jpg"]  # fmt: skip


def test_bad_pictures_raise_with_their_place(model: siglip.Model, pictures: list[str]) -> None:
    with pytest.raises(siglip.PictureError) as caught:
        model.encode_image([pictures[0], "missing.jpg", b"no picture"])
    assert (caught.value.index, caught.value.source) == (1, "missing.jpg")
    assert caught.value.code == "not found"
    assert isinstance(caught.value.__cause__, siglip.NotFound)
    assert "missing.jpg" in str(caught.value)
    with pytest.raises(siglip.PictureError, match="missing.jpg"):
        model.encode_image("missing.jpg")
    with pytest.raises(siglip.PictureError, match="uint8, found float32"):
        model.encode_image(np.zeros((4, 4, 3), np.float32))


def test_bad_pictures_can_be_rows_of_nan(model: siglip.Model, pictures: list[str]) -> None:
    mixed = [pictures[0], *BROKEN, pictures[1]]
    rows = model.encode_image(mixed, on_error="nan")
    assert np.isnan(rows).all(axis=1).tolist() == [False, *[True] * len(BROKEN), False]
    assert (rows[[0, -1]] == model.encode_image(pictures[:2])).all()
    told: list[tuple[int, Any, str]] = []
    again = model.encode_image(
        iter(mixed), on_error=lambda index, source, error: told.append((index, source, error.code))
    )
    np.testing.assert_array_equal(again, rows)
    assert [index for index, _, _ in told] == [1, 2, 3, 4, 5]
    assert all(source is broken for (_, source, _), broken in zip(told, BROKEN, strict=True))
    assert [code for _, _, code in told] == [
        "unsupported", "not found", "mismatch", "invalid argument", "unsupported",
    ]  # fmt: skip
    with pytest.raises(siglip.InvalidArgument, match="skip"):
        model.encode_image(pictures, on_error="skip")  # type: ignore[arg-type]


@pytest.mark.parametrize("sequence", [list, tuple])
def test_paths_alone_are_as_good_as_other_pictures(
    model: siglip.Model, pictures: list[str], sequence: Any
) -> None:
    paths = sequence([Path(pictures[0]), "missing.jpg", *pictures[1:4], "gone.jpg"])
    expected = model.encode_image(iter(paths), on_error="nan", normalize=True)
    assert np.isnan(expected).all(axis=1).tolist() == [False, True, False, False, False, True]
    for out in (None, np.zeros((6, 128), np.float32), np.zeros((6, 256), np.float32)[:, ::2]):
        told: list[tuple[int, Any]] = []
        rows = model.encode_image(
            paths, on_error=lambda *failed: told.append(failed[:2]), normalize=True, out=out
        )
        np.testing.assert_array_equal(rows, expected)
        assert told == [(1, "missing.jpg"), (5, "gone.jpg")]
    with pytest.raises(siglip.PictureError, match=r"picture 1: missing\.jpg") as caught:
        model.encode_image(paths)
    assert (caught.value.index, caught.value.source) == (1, "missing.jpg")
    with pytest.raises(siglip.InvalidArgument, match="in_flight"):
        model.encode_image(paths, in_flight=0)
    tokens = model.encode_image(sequence(pictures), tokens=True, in_flight=1)
    assert (tokens == model.encode_image(iter(pictures), tokens=True)).all()


def test_rows_to_write_to_must_fit(model: siglip.Model, pictures: list[str]) -> None:
    for paths, shape in ((pictures, (5, 128)), (pictures, (6, 127)), (pictures, (6, 1, 128)), (iter([]), (0, 128))):
        with pytest.raises(siglip.Mismatch, match="one per path"):
            model._native.stream(paths, rows=np.zeros(shape, np.float32))


def test_a_failure_ends_the_work(model: siglip.Model, pictures: list[str]) -> None:
    taken = 0

    def endless() -> Any:
        nonlocal taken
        yield b"broken"
        while True:
            taken += 1
            yield pictures[0]

    with pytest.raises(siglip.PictureError) as kept:
        model.encode_image(endless(), in_flight=2)
    before = taken
    time.sleep(0.2)
    assert kept.value.index == 0 and taken == before


def test_stream_gives_results_and_errors_in_order(model: siglip.Model, pictures: list[str]) -> None:
    items = [{"file": file} for file in [pictures[0], "missing.jpg", pictures[1]]]
    results = list(model.stream(items, key=lambda item: item["file"]))
    assert [result.index for result in results] == [0, 1, 2]
    assert all(result.source is item for result, item in zip(results, items, strict=True))
    assert isinstance(results[1].error, siglip.NotFound) and results[1].embedding is None
    assert results[2].error is None
    assert (results[2].embedding == model.encode_image(pictures[1])).all()


def test_one_bad_picture_in_a_thousand(model: siglip.Model, tmp_path: Path) -> None:
    files = evaluation_files()[:100] * 10
    expected = np.tile(model.encode_image(files[:100]), (10, 1))
    bad = tmp_path / "cut.jpg"
    bad.write_bytes(Path(files[617]).read_bytes()[:300])
    files[617] = str(bad)
    results = list(model.stream(files))
    assert [result.index for result in results] == list(range(1000))
    assert [result.source for result in results] == files
    (failed,) = [result for result in results if result.error is not None]
    assert failed.index == 617 and failed.embedding is None
    assert isinstance(failed.error, siglip.MalformedFile) and "cut.jpg" in failed.error.message
    rows = np.array([result.embedding for result in results if result.embedding is not None])
    assert (rows == np.delete(expected, 617, axis=0)).all()


def test_stream_takes_no_more_than_it_may(model: siglip.Model, pictures: list[str]) -> None:
    taken = 0

    def endless() -> Any:
        nonlocal taken
        while True:
            taken += 1
            yield [pictures[0], b"broken", 3][taken % 3]

    stream = model.stream(endless(), in_flight=4)
    assert [next(stream).index for _ in range(5)] == [0, 1, 2, 3, 4]
    time.sleep(0.1)
    assert taken <= 5 + 4 + 2
    stream.close()
    before = taken
    time.sleep(0.1)
    assert taken <= before + 1


def test_the_next_picture_is_asked_for_when_the_last_result_was_taken(
    model: siglip.Model, pictures: list[str]
) -> None:
    asked = 0

    def endless() -> Any:
        nonlocal asked
        while True:
            asked += 1
            yield _siglip.Picture.file(pictures[0])

    stream = model._native.stream(endless(), in_flight=1)
    for taken in range(4):
        time.sleep(0.2)
        assert asked == taken + 1
        assert next(stream).index == taken
    stream.close()


def test_stream_tells_the_format_where_details_are_asked_for(
    model: siglip.Model, pictures: list[str]
) -> None:
    expected = model.encode_image(pictures[0])
    pixels = _siglip.Picture.pixels(np.zeros((8, 8, 3), np.uint8))
    for details in (False, True):
        items = [_siglip.Picture.file(pictures[0]), pixels, _siglip.Picture.bytes(b"none")]
        results = list(model._native.stream(iter(items), details=details))
        assert [result.format for result in results] == ["jpeg" if details else "", "", ""]
        assert (results[0].embedding == expected).all()


def test_stream_passes_on_what_the_pictures_raise(model: siglip.Model, pictures: list[str]) -> None:
    def failing() -> Any:
        yield pictures[0]
        raise KeyError("source")

    stream = model.stream(failing())
    assert next(stream).error is None
    with pytest.raises(KeyError, match="source"):
        next(stream)
    with pytest.raises(ZeroDivisionError):
        list(model.stream([0], key=lambda item: 1 // item))


def test_many_threads_use_one_model(model: siglip.Model, pictures: list[str]) -> None:
    expected = model.encode_image(pictures)
    found: list[Any] = [None] * 4

    def embed(index: int) -> None:
        found[index] = model.encode_image(pictures)

    threads = [threading.Thread(target=embed, args=(index,)) for index in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all((rows == expected).all() for rows in found)


def test_classify(model: siglip.Model, pictures: list[str]) -> None:
    labels = ["a red ring", "a blue star", "a green square"]
    found = model.classify(pictures[:2], labels)
    assert len(found) == 2 and {each["label"] for each in found[0]} == set(labels)
    texts = model.encode_text([f"This is a photo of {label}." for label in labels])
    expected = model.probabilities(model.encode_image(pictures[:2]), texts)
    for scores, row in zip(found, expected, strict=True):
        assert [each["score"] for each in scores] == sorted(row.tolist(), reverse=True) or (
            np.allclose([each["score"] for each in scores], np.sort(row)[::-1], rtol=1e-4)
        )
        assert scores == sorted(scores, key=lambda each: -each["logit"])
    assert model.classify(pictures[0], labels, top_k=1)[0] == found[0][:1]
    several = model.classify(pictures[0], labels, template=["{}", "a photo of {}"])
    assert len(several) == 1 and len(several[0]) == 3
    with pytest.raises(siglip.InvalidArgument):
        model.classify(pictures[0], [])
    with pytest.raises(siglip.InvalidArgument, match="{}"):
        model.classify(pictures[0], labels, template="a photo")
    with pytest.raises(siglip.InvalidArgument, match="top_k"):
        model.classify(pictures[0], labels, top_k=0)


def test_comparing(model: siglip.Model, pictures: list[str]) -> None:
    images = model.encode_image(pictures[:3])
    texts = model.encode_text(["a star", "a ring"])
    left = images / np.linalg.norm(images, axis=1, keepdims=True)
    right = texts / np.linalg.norm(texts, axis=1, keepdims=True)
    cosines = model.similarity(images, texts)
    np.testing.assert_allclose(cosines, left @ right.T, atol=1e-5)
    weights = read_safetensors(DEMO / "model.safetensors")
    logits = np.exp(weights["logit_scale"]) * (left @ right.T) + weights["logit_bias"]
    np.testing.assert_allclose(model.logits(images, texts), logits, rtol=1e-3, atol=1e-3)
    np.testing.assert_allclose(
        model.probabilities(images, texts), 1 / (1 + np.exp(-logits)), rtol=1e-3, atol=1e-6
    )
    with pytest.raises(siglip.Mismatch):
        model.similarity(images, texts[:, :5])


def test_comparing_torch_tensors(model: siglip.Model, pictures: list[str]) -> None:
    torch = pytest.importorskip("torch")
    images = model.encode_image(pictures[:3])
    tensor = model.similarity(torch.from_numpy(images), torch.from_numpy(images))
    assert isinstance(tensor, torch.Tensor)
    assert (tensor.numpy() == model.similarity(images, images)).all()


def test_parts(model: siglip.Model, pictures: list[str]) -> None:
    batch = model.preprocess(pictures[:2])
    assert list(batch) == ["pixel_values"]
    assert batch.pixel_values.shape == (2, 3, 64, 64)
    ids = model.tokenize(["a star", "a ring"])
    assert ids.shape == (2, 24) and ids.dtype == np.int64
    assert (model.tokenize("a star") == ids[0]).all()


def test_what_it_says_of_itself(model: siglip.Model) -> None:
    assert (model.dim, model.image_size, model.max_text_tokens) == (128, 64, 24)
    assert (model.precision, model.threads) == ("f32", 2)
    assert model.instruction_set in siglip.instruction_sets()
    assert model.config["vision_config"]["patch_size"] == 8
    assert Path(model.path) == DEMO and model.name == str(DEMO)
    with pytest.raises(TypeError):
        model.config["model_type"] = "other"  # type: ignore[index]


def test_fingerprints(model: siglip.Model) -> None:
    both = model.fingerprint()
    assert len(both["image_weights"]) == 64 and len(both["text_weights"]) == 64
    assert "text_weights" not in model.fingerprint(texts=False)
    assert model.fingerprint(normalize=True) != both
    assert siglip.load(DEMO).fingerprint() == both


def test_precisions_keep_the_direction(pictures: list[str]) -> None:
    exact = siglip.load(DEMO).encode_image(pictures)
    for precision, worst in (("bf16", 0.9995), ("int8", 0.998)):
        model = siglip.load(DEMO, precision=precision)  # type: ignore[arg-type]
        assert model.precision == precision
        cosines = np.diag(model.similarity(model.encode_image(pictures), exact))
        assert (cosines >= worst).all()


def test_variable_resolution(tmp_path: Path) -> None:
    shutil.copytree(GOLDEN / "siglip2-naflex", tmp_path / "model")
    fields = {
        "image_processor_type": "Siglip2ImageProcessor", "max_num_patches": 16, "patch_size": 8,
    }  # fmt: skip
    (tmp_path / "model" / "preprocessor_config.json").write_text(json.dumps(fields))
    files = [str(GOLDEN / "images" / name) for name in ("rgb.png", "tall.png")]
    tower = siglip.Siglip2VisionModel.from_pretrained(tmp_path / "model")
    for patches in (16, 12):
        model = siglip.load(tmp_path / "model", max_num_patches=patches)
        assert (model.image_size, model.dim) == (None, 48)
        inputs = model.preprocess(files)
        assert inputs.pixel_values.shape == (2, patches, 192)
        assert (inputs.pixel_attention_mask.sum(1) == inputs.spatial_shapes.prod(1)).all()
        output = tower(**inputs)
        results = list(model.stream(files, tokens=True))
        assert [[each.rows, each.columns] for each in results] == inputs.spatial_shapes.tolist()
        for result, expected in zip(results, output.last_hidden_state, strict=True):
            assert (result.embedding == expected).all()
        assert (model.encode_image(files) == output.pooler_output).all()
    again = pickle.loads(pickle.dumps(model))
    assert (again.encode_image(files) == model.encode_image(files)).all()


def test_pictures_know_their_sizes(model: siglip.Model) -> None:
    (result,) = model.stream([str(GOLDEN / "images" / "rgb.png")])
    assert (result.width, result.height, result.rows, result.columns) == (160, 120, 8, 8)


def test_transparency() -> None:
    image = pytest.importorskip("PIL.Image")
    red = image.new("RGBA", (20, 20), (255, 0, 0, 0))
    white, plain = image.new("RGB", (20, 20), "white"), image.new("RGB", (20, 20), "red")
    for alpha, expected in (("white", white), ("drop", plain)):
        model = siglip.load(DEMO, alpha=alpha)  # type: ignore[arg-type]
        assert (model.encode_image(red) == model.encode_image(expected)).all()


def test_pickled_by_path_and_options(model: siglip.Model, pictures: list[str]) -> None:
    data = pickle.dumps(model)
    assert len(data) <= 4096
    again = pickle.loads(data)
    assert again.threads == 2
    assert (again.encode_image(pictures) == model.encode_image(pictures)).all()
    runtime = siglip.Runtime(1, instruction_set=siglip.instruction_sets()[0])
    own = pickle.loads(pickle.dumps(siglip.load(DEMO, runtime=runtime)))
    assert (own.threads, own.instruction_set) == (1, siglip.instruction_sets()[0])


def test_a_pickled_model_that_is_gone(model: siglip.Model, tmp_path: Path) -> None:
    shutil.copytree(DEMO, tmp_path / "model")
    data = pickle.dumps(siglip.load(tmp_path / "model"))
    shutil.rmtree(tmp_path / "model")
    with pytest.raises(siglip.NotFound, match="not on this machine"):
        pickle.loads(data)


def test_models_share_threads() -> None:
    from siglip.runtime import shared_runtime

    assert shared_runtime(2) is shared_runtime(2)
    with pytest.raises(siglip.InvalidArgument, match="one of them"):
        siglip.load(DEMO, threads=2, runtime=siglip.Runtime(2))
    with pytest.raises(siglip.InvalidArgument):
        siglip.load(DEMO, threads=-1)


def test_threads_of_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SIGLIP_THREADS", "3")
    assert siglip.load(DEMO).threads == 3
    assert siglip.load(DEMO, threads=1).threads == 1
    monkeypatch.setenv("SIGLIP_THREADS", "many")
    with pytest.raises(siglip.InvalidArgument, match="SIGLIP_THREADS.*'many'"):
        siglip.load(DEMO)


def test_closing(pictures: list[str]) -> None:
    with siglip.load(DEMO) as model:
        model.encode_image(pictures[0])
    with pytest.raises(siglip.InvalidArgument, match="closed"):
        model.encode_image(pictures[0])


def test_wrong_arguments(model: siglip.Model, tmp_path: Path) -> None:
    with pytest.raises(siglip.NotFound):
        siglip.load(tmp_path / "nothing")
    with pytest.raises(siglip.NotFound):
        siglip.load("organisation/nothing", download=False)
    with pytest.raises(siglip.InvalidArgument):
        siglip.load(DEMO, precision="f16")  # type: ignore[arg-type]
    with pytest.raises(siglip.InvalidArgument, match="found int at 1"):
        model.encode_text(["a star", 3])  # type: ignore[list-item]
    with pytest.raises(siglip.InvalidArgument, match="in_flight"):
        model.encode_image([], in_flight=0)
    with pytest.raises(TypeError):
        model.encode_image([], batch_size=4)  # type: ignore[call-arg]
