"""Makes of a checkpoint what a contestant of peers.py runs.

    peers_models.py KIND CHECKPOINT PIXELS SIZE FOLDER

writes the model of this kind, one of KINDS, to FOLDER; those that start from another kind find it
beside FOLDER. PIXELS is a file of raw float32 pictures [n, 3, SIZE, SIZE], for calibration.
"""

import sys
from pathlib import Path

CALIBRATION_PICTURES = 24


def pooled_model(checkpoint):
    """transformers' model with the pooled output as its only one."""
    import torch
    from transformers import SiglipVisionModel

    class Pooled(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.model = SiglipVisionModel.from_pretrained(checkpoint)

        def forward(self, pixel_values):
            return self.model(pixel_values=pixel_values).pooler_output

    return Pooled().eval()


def pictures(pixels, size):
    import numpy

    return numpy.fromfile(pixels, dtype=numpy.float32).reshape(-1, 3, size, size)


def make_onnx(checkpoint, pixels, size, folder):
    import torch

    torch.onnx.export(pooled_model(checkpoint), (torch.from_numpy(pictures(pixels, size)[:2]),),
                      folder / "model.onnx", dynamo=True, external_data=False,
                      input_names=["pixel_values"], output_names=["pooler_output"],
                      dynamic_shapes=({0: torch.export.Dim("batch", min=1, max=1024)},))


def make_onnx_int8(folder, per_channel):
    from onnxruntime.quantization import QuantType, quantize_dynamic

    # Not the patch embedding: it stays float in siglip too.
    quantize_dynamic(folder.parent / "onnx" / "model.onnx", folder / "model.onnx",
                     op_types_to_quantize=["MatMul", "Gemm"], weight_type=QuantType.QInt8,
                     per_channel=per_channel)


def make_openvino(checkpoint, pixels, size, folder):
    import openvino
    import torch

    model = openvino.convert_model(pooled_model(checkpoint),
                                   example_input=torch.from_numpy(pictures(pixels, size)[:2]))
    model.reshape([-1, 3, size, size])
    openvino.save_model(model, folder / "model.xml", compress_to_fp16=False)


def make_openvino_int8(pixels, size, folder):
    import nncf
    import openvino

    model = openvino.Core().read_model(folder.parent / "openvino" / "model.xml")
    # The pictures upside down: calibrated on those it is judged on, it would look too good.
    samples = [picture[None, :, ::-1].copy() for picture in pictures(pixels, size)]
    quantised = nncf.quantize(model, nncf.Dataset(samples), subset_size=CALIBRATION_PICTURES,
                              model_type=nncf.ModelType.TRANSFORMER)
    openvino.save_model(quantised, folder / "model.xml", compress_to_fp16=False)


KINDS = {
    "onnx": make_onnx,
    "onnx-int8": lambda checkpoint, pixels, size, folder: make_onnx_int8(folder, False),
    "onnx-int8-per-channel": lambda checkpoint, pixels, size, folder: make_onnx_int8(folder, True),
    "openvino": make_openvino,
    "openvino-int8": lambda checkpoint, pixels, size, folder: make_openvino_int8(pixels, size,
                                                                                folder),
}


def main():
    kind, checkpoint, pixels, size, folder = sys.argv[1:]
    KINDS[kind](checkpoint, pixels, int(size), Path(folder))


if __name__ == "__main__":
    main()
