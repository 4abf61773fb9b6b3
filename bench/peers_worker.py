"""One contestant of peers.py in its own process: loads a model, then answers commands, one per line
on standard input, until it ends. bench/peers_worker.cc is the same for siglip.

    peers_worker.py RUNTIME MODEL PIXELS SIZE THREADS

RUNTIME is one of RUNTIMES, MODEL what bench/peers_models.py made for it, PIXELS a file of raw
float32 pictures [n, 3, SIZE, SIZE].
    version       what runs here, "torch 2.15.0"
    rate B        seconds that the first B pictures take
    embed B FILE  writes their pooled outputs, raw float32; answers "done"
Only what a runtime needs is imported: start-up and memory are compared too.
"""

import os
import sys
import time

LONG_ENOUGH = 0.3  # seconds of measuring


def load_torch(model, threads, *, bfloat16=False, compiled=False):
    import torch
    from transformers import SiglipVisionModel
    from transformers.utils.logging import disable_progress_bar

    disable_progress_bar()
    torch.set_num_threads(threads)
    network = SiglipVisionModel.from_pretrained(
        model, dtype=torch.bfloat16 if bfloat16 else torch.float32).eval()
    if compiled:
        import torch._inductor.config

        torch._inductor.config.freezing = True
        network.compile(dynamic=False)

    def run(pictures):
        with torch.no_grad():
            return network(pixel_values=torch.from_numpy(pictures)).pooler_output.float().numpy()

    return run, f"torch {torch.__version__}"


def load_onnxruntime(model, threads):
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])

    def run(pictures):
        return session.run(["pooler_output"], {"pixel_values": pictures})[0]

    return run, f"ONNX Runtime {onnxruntime.__version__}"


def load_openvino(model, threads, *, precision):
    import openvino

    network = openvino.Core().compile_model(model, "CPU", {
        "INFERENCE_PRECISION_HINT": precision,
        "INFERENCE_NUM_THREADS": threads,
        "PERFORMANCE_HINT": "LATENCY",
    })

    def run(pictures):
        return network(pictures)[0]

    return run, f"OpenVINO {openvino.__version__.partition('-')[0]}"


RUNTIMES = {
    "torch-f32": load_torch,
    "torch-bf16": lambda *words: load_torch(*words, bfloat16=True),
    "compile-f32": lambda *words: load_torch(*words, compiled=True),
    "compile-bf16": lambda *words: load_torch(*words, bfloat16=True, compiled=True),
    "onnxruntime": load_onnxruntime,
    "openvino-f32": lambda *words: load_openvino(*words, precision="f32"),
    "openvino-bf16": lambda *words: load_openvino(*words, precision="bf16"),
}


def seconds_per_batch(run, pictures):
    """From as many runs as fill a third of a second, after one picture that brings the weights back
    near the cores: other contestants ran meanwhile."""
    run(pictures[:1])
    runs = 0
    begin = time.perf_counter()
    while True:
        run(pictures)
        runs += 1
        seconds = time.perf_counter() - begin
        if seconds >= LONG_ENOUGH:
            return seconds / runs


def main():
    runtime, model, pixels, size, threads = sys.argv[1:]
    # Answers are for the coordinator alone: what libraries print goes to the log.
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)

    import numpy

    run, version = RUNTIMES[runtime](model, int(threads))
    pictures = numpy.fromfile(pixels, dtype=numpy.float32).reshape(-1, 3, int(size), int(size))
    for line in sys.stdin:
        command, *words = line.split()
        if command == "version":
            answer = version
        elif command == "rate":
            answer = seconds_per_batch(run, pictures[:int(words[0])])
        elif command == "embed":
            run(pictures[:int(words[0])]).astype(numpy.float32).tofile(words[1])
            answer = "done"
        else:
            raise ValueError(f"unknown command: {line}")
        print(answer, file=answers, flush=True)


if __name__ == "__main__":
    main()
