"""The C++ library as Python sees it: no more than is needed by the modules beside this one, which are what
users import. Names are those of C++ (docs/cpp.md). Arrays are C-contiguous; everything may be called from any
thread and lets others run. What fails raises a class of siglip.errors."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

F32 = NDArray[np.float32]

def version() -> str: ...
def instruction_sets() -> list[str]: ...

class Runtime:
    def __init__(self, threads: int = 0, instruction_set: str = "") -> None: ...
    @property
    def threads(self) -> int: ...
    @property
    def instruction_set(self) -> str: ...

class Picture:
    @staticmethod
    def file(path: str, name: str = "") -> Picture: ...
    @staticmethod
    def bytes(data: bytes | bytearray | memoryview, name: str = "") -> Picture:
        """The contents of a picture file; not copied, kept alive."""
    @staticmethod
    def pixels(pixels: NDArray[np.uint8], name: str = "") -> Picture:
        """[H, W] or [H, W, 1, 3 or 4] (grey, RGB, RGBA), rows may have a stride; not copied, kept alive."""

class EmbedResult:
    index: int
    name: str
    width: int  # 0: not known
    height: int
    rows: int  # of patches
    columns: int
    format: str  # as Hit.format; "" where it is not known, and unless details were asked for
    embedding: F32 | None  # [D], or [N, D] of tokens; None after a failure
    error: Exception | None  # of siglip.errors

class Stream(Iterator[EmbedResult]):
    """Results while they are made. What the iterator of pictures raises comes out of __next__, after the results
    of the pictures before; so does KeyboardInterrupt, at once."""
    def __next__(self) -> EmbedResult: ...
    def close(self) -> None:
        """Stops within one picture. Also when the object goes."""

class Embedder:
    """`precision`: "f32", "bf16", "int8", "auto", "" (as stored). `preprocess`: "torchvision", "pillow",
    "pillow13", "" (of the project that made the model). `max_num_patches` 0: as the checkpoint says."""
    def __init__(self, model: str, runtime: Runtime, precision: str = "", preprocess: str = "",
                 alpha: str = "white", fast_decode: bool = False, max_num_patches: int = 0) -> None: ...
    def stream(self, pictures: Iterator[Picture] | list[str], normalize: bool = False, tokens: bool = False,
               in_flight: int = 0, as_ready: bool = False, rows: F32 | None = None, details: bool = False
               ) -> Stream:
        """Of a list of paths no thread needs Python's lock. With `rows` [pictures, ...], which are for such a list,
        embeddings are written there, and only failures come as results. `in_flight` bounds the pictures that were
        asked for and whose results were not read: with 1 the next picture is asked for once the result of the last one
        was taken."""
    def embed_texts(self, texts: Sequence[str], normalize: bool = False) -> F32: ...
    def embedding_shape(self, tokens: bool = False) -> tuple[int, ...]: ...
    def fingerprint(self, pictures: bool, texts: bool, normalize: bool = False, tokens: bool = False) -> str:
        """JSON."""
    # Parts, loaded when first asked for.
    @property
    def vision_model(self) -> VisionModel: ...
    @property
    def text_model(self) -> TextModel: ...
    @property
    def tokenizer(self) -> Tokenizer: ...
    @property
    def image_processor(self) -> ImageProcessor: ...
    @property
    def logits(self) -> Logits: ...

class ZeroShotClassifier:
    def __init__(self, embedder: Embedder, labels: Sequence[str], templates: Sequence[str]) -> None: ...
    def __call__(self, embedding: F32) -> list[tuple[int, float, float]]:
        """[D] -> (index of the label, logit, probability), best first."""

# Outputs: last_hidden_state, pooler_output, hidden_states, attentions; empty lists unless asked for.
TowerOutput = tuple[F32 | None, F32 | None, list[F32], list[F32]]

class VisionModel:
    """Of either resolution."""
    def __init__(self, model: str, runtime: Runtime, precision: str = "") -> None: ...
    def __call__(self, pixel_values: F32, pixel_attention_mask: NDArray[np.int32] | None = None,
                 spatial_shapes: NDArray[np.int64] | None = None, interpolate_pos_encoding: bool = False,
                 output_hidden_states: bool = False, output_attentions: bool = False) -> TowerOutput: ...
    @property
    def is_naflex(self) -> bool: ...
    @property
    def config_json(self) -> str:
        """As a vision-only config.json of transformers."""
    @property
    def precision(self) -> str: ...
    @property
    def has_head(self) -> bool: ...
    @property
    def image_size(self) -> int: ...  # 0: any
    @property
    def weight_bytes(self) -> int: ...

class TextModel:
    def __init__(self, model: str, runtime: Runtime, precision: str = "") -> None: ...
    def __call__(self, input_ids: NDArray[np.int64], output_last_hidden_state: bool = True,
                 output_hidden_states: bool = False, output_attentions: bool = False) -> TowerOutput: ...
    @property
    def config_json(self) -> str: ...
    @property
    def precision(self) -> str: ...
    @property
    def weight_bytes(self) -> int: ...

class Logits:
    """exp(logit_scale) * cosine + logit_bias."""
    def __init__(self, model: str) -> None: ...
    def __call__(self, images: F32, texts: F32) -> F32:
        """Embeddings [m, D], [n, D], normalised or not -> [m, n]."""
    @property
    def logit_scale(self) -> float: ...  # a logarithm
    @property
    def logit_bias(self) -> float: ...

class ImageClassificationModel:
    def __init__(self, model: str, runtime: Runtime, precision: str = "") -> None: ...
    def __call__(self, pixel_values: F32, pixel_attention_mask: NDArray[np.int32] | None = None,
                 spatial_shapes: NDArray[np.int64] | None = None, interpolate_pos_encoding: bool = False,
                 output_hidden_states: bool = False, output_attentions: bool = False) -> tuple[F32, TowerOutput]:
        """Logits [B, labels], and the outputs of the image tower."""
    @property
    def labels(self) -> list[str]: ...
    @property
    def vision_model(self) -> VisionModel: ...

class ImageProcessor:
    def __init__(self, model: str, is_naflex: bool, preprocess: str = "", max_num_patches: int = 0) -> None: ...
    def __call__(self, pictures: Sequence[Picture], alpha: str = "white", fast_decode: bool = False
                 ) -> tuple[F32, NDArray[np.int32] | None, NDArray[np.int64] | None]:
        """pixel_values [B, 3, H, W]; of NaFlex [B, max_num_patches, values], the mask and the shapes."""
    @property
    def is_naflex(self) -> bool: ...
    @property
    def mode(self) -> str: ...
    @property
    def config_json(self) -> str: ...
    @property
    def max_num_patches(self) -> int: ...

class Tokenizer:
    def __init__(self, model: str, max_length: int = 0) -> None: ...
    def __call__(self, texts: Sequence[str]) -> NDArray[np.int64]:
        """[texts, max_length], padded to it."""
    def piece(self, id: int) -> str: ...
    @property
    def max_length(self) -> int: ...
    @property
    def pad_id(self) -> int: ...
    @property
    def pads_left(self) -> bool: ...
    @property
    def name(self) -> str: ...
    @property
    def vocab_size(self) -> int: ...

def normalize_rows(rows: F32) -> F32: ...
def cosines(left: F32, right: F32) -> F32:
    """[m, D], [n, D], normalised or not -> [m, n]."""
def sigmoid(logits: F32) -> F32: ...
def siglip_loss(logits: F32) -> float: ...

def find_parts(model: str) -> dict[str, bool]:
    """image_tower, text_tower, logits, classifier, projector, naflex."""
def inspect(model: str) -> str:
    """JSON, as `siglip inspect --json` prints it."""
def resolve_model(name_or_folder: str, revision: str = "", any_file: bool = False) -> str: ...
def convert_to_transformers(model: str, folder: str, replace: bool = False) -> None: ...
def pack_checkpoint(model: str, folder: str, precision: str, runtime: Runtime, replace: bool = False) -> None: ...
def packed_layout(runtime: Runtime, precision: str) -> str:
    """"32x1", "16x2" or "16x1"; precision is "f32", "bf16" or "int8"."""

def content_hash(data: bytes | bytearray | memoryview | NDArray[Any]) -> bytes:
    """Of anything that shares contiguous memory, the 16 bytes that `Hit.hash` writes as hexadecimal digits."""

# Folders, and files in them, are str as os.fsdecode has them.

HitFields = tuple[int, str, str, list[str], float, float | None, float | None, str, int, int,
                  tuple[int, int | None] | None, list[int], bool]
# Of siglip::UpdateCounts, in their order.
CountFields = tuple[int, int, int, int, int, int, int, int]

class Index:
    """Reads an index that is there."""
    def __init__(self, folder: str, runtime: Runtime) -> None: ...
    @property
    def is_of_this_process(self) -> bool:
        """Otherwise nothing else may be asked: it came through fork()."""
    @property
    def space(self) -> tuple[str, str, float | None, float | None] | None:
        """The model's name, the fingerprint as JSON, scale and bias of logits."""
    def check_fits(self, embedder: Embedder, pictures: bool, texts: bool) -> None: ...
    def search(self, parts: Sequence[tuple[F32, float, bool]], top: int, under: str | None, after: int | None,
               before: int | None, format: str, min_width: int, min_score: float | None, fold: bool
               ) -> tuple[int, float | None, float | None, list[HitFields]]:
        """Parts are a vector [D], its weight, and whether it is of a text. Returns total, mean, deviation and the
        fields of siglip::Hit in their order, times as seconds since 1970 and the offset in minutes."""
    def duplicates(self, kind: str, threshold: float | None
                   ) -> list[list[tuple[str, int, int, int, int, int, float, bool]]]:
        """Groups of files, with the fields of siglip::DuplicateFile in their order."""
    def status(self) -> tuple[list[tuple[str, int, int, int, bool]], int, int, int]:
        """Folders (path, files, missing, unreadable, whether it is an archive), contents, undecodable ones, bytes."""
    def verify(self) -> list[str]: ...
    def files(self) -> IndexFiles: ...

class IndexFiles(Iterator[tuple[str, F32]]):
    """Paths and vectors [D] of all files that are there, in one committed state."""
    def __next__(self) -> tuple[str, F32]: ...

def update_index(index: str, embedder: Embedder, model: str, folder: str, checksum: bool, retry: bool,
                 follow_links: bool, exclude: list[str], progress: Callable[[CountFields], object] | None,
                 failed: Callable[[str, Any], object] | None, passed_over: Callable[[str, str], object] | None
                 ) -> CountFields:
    """Callbacks come from other threads; what one raises ends the
    update and is raised here, and so is what signals raise."""
def add_archive_to_index(index: str, archive: str, model: str, fingerprint: str, logit_scale: float | None,
                         logit_bias: float | None, paths: list[str], hashes: bytes, formats: list[str],
                         widths: list[int], heights: list[int], sizes: list[int], vectors: F32) -> None:
    """siglip::IndexWriter::AddArchive: pictures that were embedded elsewhere, all of them or none. The fingerprint is
    JSON; hashes are 16 bytes each, as content_hash gives them; vectors are [pictures, D], of any norm above 0."""
def prune_index(index: str, seconds: int) -> int: ...
def remove_from_index(index: str, folder: str) -> None: ...
def default_index_folder() -> str: ...
def parse_date(text: str) -> int:
    """Seconds since 1970 on the same clock."""

# The sink takes the status, the headers and a piece of the body of an answer; False: no more is wanted.
Sink = Callable[[int, dict[str, str], bytes], bool]
# A transport sends one request: (url, headers, head only, timeout in seconds, sink) -> (status, headers). Redirects
# are answers like any other. OSError stands for what may pass, siglip.errors.IOFailure for what stays.
Transport = Callable[[str, dict[str, str], bool, int, Sink], tuple[int, dict[str, str]]]

def pull_model(name: str, revision: str, progress: Callable[[str, int, int, int], None] | None,
               transport: Transport | None) -> str:
    """Of progress: the file, bytes in all, present before, received since. Returns the folder."""
def command_line(arguments: list[str], transport: Transport | None) -> int:
    """The program `siglip` with these arguments (the first is its name) -> exit status. Prints, handles signals."""
