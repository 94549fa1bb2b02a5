"""Trained models as files for other programs: ONNX, safetensors for spandrel, ncnn, darktable."""
